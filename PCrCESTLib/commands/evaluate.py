"""``pcrcest evaluate``: how good every method is, in one document."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import MissingExtraError, OutputError, PCrCESTError
from PCrCESTLib.evaluation.chapters import NAMES
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.protocols import find_protocol

if TYPE_CHECKING:
    from PCrCESTLib.evaluation.chapters import Chapter, Subject
    from PCrCESTLib.evaluation.document import Origin
    from PCrCESTLib.evaluation.methods import Method
    from PCrCESTLib.evaluation.section import Section
    from PCrCESTLib.models.model import Model
    from PCrCESTLib.progress import Progress
    from PCrCESTLib.protocol import Protocol
    from PCrCESTLib.rivals.rival import Rival

DEFAULT_PROTOCOL = "rat-4.7T-dual"
DEFAULT_SEED = 2026


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``evaluate`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evaluate",
        help="how good the method is, beside others, in one document",
        description="Simulate test sets with known truth, let our network and the networks to compare with estimate fs "
        "and ksw, and write evaluation.md with figures and evaluation.json. With --data, measured legs as well.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder for document, figures and numbers")
    add(
        "--protocol",
        default=DEFAULT_PROTOCOL,
        metavar="P.json|NAME",
        help="protocol file or name of a reference protocol (default: %(default)s)",
    )
    add("--reduced", action="store_true", help="small test sets: faster, with wider intervals")
    add(
        "--only",
        nargs="+",
        choices=NAMES,
        metavar="CHAPTER",
        help=f"some chapters alone, of {', '.join(NAMES)}",
    )
    add("--model", default="auto", metavar="auto|NAME|FILE", help="our network (default: by protocol)")
    add(
        "--rivals",
        type=Path,
        metavar="DIR",
        help="folder of trained networks to compare with (default: bundled)",
    )
    add("--data", type=Path, metavar="DIR", help="folder of the measured data: rat_leg_4p7T and human_leg_3T")
    add("--seed", type=int, default=DEFAULT_SEED, help="default: %(default)s")
    add("--overwrite", action="store_true", help="replace an earlier evaluation in DIR")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluate and write; returns the exit code.

    Raises
    ------
    PCrCESTError
        When an argument is unusable, no model fits, or the folder cannot be written.
    """
    from PCrCESTLib.evaluation.chapters import chosen_chapters
    from PCrCESTLib.evaluation.document import DOCUMENT, write_document
    from PCrCESTLib.models.registry import find_model
    from PCrCESTLib.outputs import staged

    started = time.monotonic()
    progress = make_progress(args.progress)
    _check(args, DOCUMENT)
    subject, rivals, notes = _subject(args)
    chapters, left_out = chosen_chapters(args.only, args.data)
    if not chapters:
        raise PCrCESTError(f"nothing to evaluate: {'; '.join(left_out)}")
    notes += left_out
    with staged(args.out, overwrite=args.overwrite) as folder:
        sections, seconds, missing = _sections(chapters, subject, args.data, progress)
        progress.step(0.99, "writing")
        models = [subject.model, *(find_model(c.bundled_model) for c in chapters if c.measured)]
        origin = _origin(args, subject, models, rivals, notes + missing, seconds)
        files = write_document(folder, sections, origin)
    for note in origin.notes:
        progress.warn(note)
    progress.finish(out=str(args.out), files=files, seconds=round(time.monotonic() - started, 1))
    if args.progress == "bar":
        sys.stdout.write(f"{args.out / DOCUMENT}: {', '.join(chapter.name for chapter in chapters)}\n")
    return 0


def _check(args: argparse.Namespace, document: str) -> None:
    if args.seed < 0:
        raise PCrCESTError(f"--seed is {args.seed}; a whole number of 0 or more is expected")
    for option, folder in (("--data", args.data), ("--rivals", args.rivals)):
        if folder is not None and not folder.is_dir():
            raise PCrCESTError(f"{option} is {folder}, which is no folder")
    if not args.overwrite and (args.out / document).exists():
        # Said before the work, not after it.
        raise OutputError(
            f"{args.out}: it already holds an evaluation; give another folder, or --overwrite to replace it"
        )


def _subject(args: argparse.Namespace) -> tuple[Subject, list[Rival], list[str]]:
    from PCrCESTLib.evaluation.chapters import Subject
    from PCrCESTLib.evaluation.fits import fits_for
    from PCrCESTLib.evaluation.methods import PriorMean, RivalNetwork, TwoBranch
    from PCrCESTLib.evaluation.section import FULL, REDUCED

    protocol = find_protocol(args.protocol)
    model = _model(args, protocol)
    rivals, notes = _rivals(args.rivals, protocol)
    methods: list[Method] = [TwoBranch(model), *(RivalNetwork(rival) for rival in rivals)]
    methods += [*fits_for(protocol), PriorMean()]
    effort = replace(REDUCED if args.reduced else FULL, seed=args.seed)
    return Subject(methods, model, protocol, effort), rivals, notes


def _model(args: argparse.Namespace, protocol: Protocol) -> Model:
    from PCrCESTLib.models.registry import choose_model, find_model, require_match, training_command

    remedy = training_command(args.protocol)
    if args.model == "auto":
        return choose_model(protocol, remedy)[0]
    model = find_model(args.model)
    require_match(model, protocol, remedy)
    return model


def _rivals(folder: Path | None, protocol: Protocol) -> tuple[list[Rival], list[str]]:
    """Load the networks to compare with; say which are left out."""
    from importlib.resources import files

    import numpy as np

    from PCrCESTLib.rivals.rival import load_rival

    cards = sorted((folder or Path(str(files("PCrCESTLib.rivals"))) / "weights").glob("*.json"))
    if not cards:
        return [], ["there are no trained networks to compare with"]
    if find_spec("torch") is None:
        missing = MissingExtraError("torch", "the networks to compare with", "torch")
        return [], [f"{len(cards)} networks to compare with are left out: {missing}"]
    rivals, notes = [], []
    for rival in map(load_rival, cards):
        powers = rival.card.powers_ut
        if len(powers) == len(protocol.powers_ut) and np.allclose(powers, protocol.powers_ut, rtol=0.03):
            rivals.append(rival)
        else:
            theirs = " + ".join(f"{p:g}" for p in powers)
            notes.append(f"network {rival.card.name} is left out: it was trained for {theirs} µT")
    return rivals, notes


def _sections(
    chapters: list[Chapter], subject: Subject, data: Path | None, progress: Progress
) -> tuple[list[Section], dict[str, float], list[str]]:
    """Make the chapters one by one; return them, the seconds by title, and what is missing."""
    from PCrCESTLib.evaluation.chapters import run_chapter

    sections: list[Section] = []
    seconds: dict[str, float] = {}
    notes = []
    if find_spec("matplotlib") is None:
        notes.append(
            f"no figures: {MissingExtraError('matplotlib', 'the figures of the evaluation', 'figures')}"
        )
    for i, chapter in enumerate(chapters):
        progress.step(i / len(chapters), chapter.name)
        started = time.monotonic()
        try:
            section = run_chapter(chapter, subject, data)
        except MissingExtraError as error:
            notes.append(f"chapter {chapter.name} is left out: {error}")
            continue
        sections.append(section)
        seconds[section.title] = time.monotonic() - started
    return sections, seconds, notes


def _origin(
    args: argparse.Namespace,
    subject: Subject,
    models: list[Model],
    rivals: list[Rival],
    notes: list[str],
    seconds: dict[str, float],
) -> Origin:
    from PCrCESTLib.evaluation.document import Origin

    return Origin(
        command=command_text(args),
        protocol=subject.protocol,
        effort=subject.effort,
        models=list({model.card.weights_sha256: model for model in models}.values()),
        rivals=[rival.card for rival in rivals],
        notes=notes,
        seconds=seconds,
    )


def command_text(args: argparse.Namespace) -> str:
    """Command that makes this evaluation again; of absolute paths only the last part, which is all others share."""

    def shown(path: Path) -> str:
        return path.name if path.is_absolute() else str(path)

    words = ["pcrcest", "evaluate", "--out", shown(args.out), "--protocol", shown(Path(args.protocol))]
    words += ["--reduced"] if args.reduced else []
    words += ["--only", *args.only] if args.only else []
    words += ["--model", shown(Path(args.model))] if args.model != "auto" else []
    for option, folder in (("--rivals", args.rivals), ("--data", args.data)):
        words += [option, shown(folder)] if folder is not None else []
    words += ["--seed", str(args.seed)] if args.seed != DEFAULT_SEED else []
    return shlex.join(words)
