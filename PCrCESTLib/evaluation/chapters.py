"""The chapters of the evaluation: what each is called, what it needs, and how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from PCrCESTLib.evaluation.methods import Method
from PCrCESTLib.evaluation.section import Effort, Section
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.registry import bundled_names, find_model
from PCrCESTLib.protocol import Protocol


@dataclass(frozen=True)
class Chapter:
    """One chapter: ``function`` of ``module`` makes it.

    Simulated chapters take all methods, or with ``only_ours`` our model alone. A measured one has ``bundled_model``,
    the name of the bundled model that it is quantified with, and ``folder``, where its data lie in the data folder.
    """

    name: str
    module: str
    function: str
    only_ours: bool = False
    bundled_model: str = ""
    folder: str = ""

    @property
    def measured(self) -> bool:
        """True where it needs measured data."""
        return bool(self.folder)


@dataclass(frozen=True)
class Subject:
    """What is evaluated: all methods, our model among them, for one protocol."""

    methods: Sequence[Method]
    model: Model
    protocol: Protocol
    effort: Effort


CHAPTERS = (
    Chapter("accuracy", "accuracy", "accuracy_section"),
    Chapter("robustness", "robustness", "robustness_section"),
    Chapter("regions", "regions", "regions_section", only_ours=True),
    Chapter("unusual", "unusual", "unusual_section", only_ours=True),
    Chapter("als", "als_study", "als_section"),
    Chapter("solutions", "solutions", "solutions_section"),
    Chapter("maps", "maps", "maps_section"),
    Chapter("fits", "fit_chapter", "fits_section"),
    Chapter("rats", "measured_rats", "rats_section", bundled_model="rat-4.7T-0.25uT", folder="rat_leg_4p7T"),
    Chapter(
        "human", "measured_human", "human_section", bundled_model="human-3T-0.6uT", folder="human_leg_3T"
    ),
)
NAMES = tuple(chapter.name for chapter in CHAPTERS)


def chosen_chapters(names: Sequence[str] | None, data: Path | None) -> tuple[list[Chapter], list[str]]:
    """Choose chapters by name (all when None); those that cannot be made are left out with a sentence each.

    A measured chapter is left out where no data folder is given or its model is not bundled.
    """
    chapters, notes = [], []
    for chapter in CHAPTERS:
        if names is not None and chapter.name not in names:
            continue
        missing = _missing(chapter, data)
        if missing:
            notes.append(f"chapter {chapter.name} is left out: {missing}")
        else:
            chapters.append(chapter)
    return chapters, notes


def _missing(chapter: Chapter, data: Path | None) -> str:
    if not chapter.measured:
        return ""
    if data is None:
        return f"--data was not given, the folder that holds {chapter.folder}"
    if not (data / chapter.folder).is_dir():
        return f"the data folder holds no {chapter.folder}"
    if chapter.bundled_model not in bundled_names():
        return f"no model {chapter.bundled_model} is bundled"
    return ""


def run_chapter(chapter: Chapter, subject: Subject, data: Path | None) -> Section:
    """Make one chapter."""
    function = getattr(import_module(f"PCrCESTLib.evaluation.{chapter.module}"), chapter.function)
    if chapter.measured:
        section = function(find_model(chapter.bundled_model), data)
    elif chapter.only_ours:
        section = function(subject.model, subject.protocol, subject.effort)
    else:
        section = function(subject.methods, subject.protocol, subject.effort)
    return cast(Section, section)
