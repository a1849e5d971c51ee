"""The parts of the evaluation: how much is simulated for them, and what each gives to the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Effort:
    """How much is simulated: spectra a test set, animals a group and repetitions of a study."""

    name: str
    n_spectra: int
    n_animals: int
    n_studies: int
    seed: int = 2026


FULL = Effort("full", n_spectra=4000, n_animals=10, n_studies=200)
REDUCED = Effort("reduced", n_spectra=400, n_animals=6, n_studies=20)


@dataclass(frozen=True)
class Section:
    """One chapter: its title, Markdown text with tables, and figures by file name (without folder).

    ``scores`` are the numbers of its tables for ``evaluation.json``: strings, numbers, lists and dictionaries of them.
    """

    title: str
    text: str
    figures: tuple[tuple[str, Figure], ...] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, first column left-aligned, the others right-aligned."""
    lines = [" | ".join(header), " | ".join([":---", *["---:"] * (len(header) - 1)])]
    lines += [" | ".join(row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"
