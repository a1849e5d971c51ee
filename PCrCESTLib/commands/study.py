"""``pcrcest study``: compare groups of subjects, muscle by muscle and method by method."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PCrCESTLib.commands.batch import worker_count
from PCrCESTLib.commands.study_record import pictures_in, record_of, versions
from PCrCESTLib.commands.study_results import StudyResults, collect_results
from PCrCESTLib.errors import MissingExtraError, OutputError
from PCrCESTLib.methods import METHODS
from PCrCESTLib.outputs import staged
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.report.pdf import pdf_of, require_weasyprint
from PCrCESTLib.study.analysis import Analysis, analyse
from PCrCESTLib.study.facts import MEASURED
from PCrCESTLib.study.page import Contents, study_page
from PCrCESTLib.study.picture import Picture
from PCrCESTLib.study.pictures import pictures_of
from PCrCESTLib.study.table import Study, StudyError, read_study
from PCrCESTLib.study.tables import write_tables
from PCrCESTLib.study.tests import PERCENT, require_statsmodels
from PCrCESTLib.study.values import ESTIMATORS
from PCrCESTLib.version import __version__

EXTRA = "study"
RECORD_FILE, PAGE_FILE, PDF_FILE = "study.json", "study.html", "study.pdf"
HEALTHY = {
    "control",
    "controls",
    "ctrl",
    "healthy",
    "wt",
    "wild type",
    "wildtype",
    "wild-type",
    "sham",
    "normal",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``study`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "study",
        help="compare groups of subjects: tests, test-retest, power, a page",
        description="Compare groups of subjects from a list of scans: quantify what is missing, then test fs, ksw, PCr "
        "and AREX per muscle and over all muscles, by every method, and write a page and tables.",
    )
    add = parser.add_argument
    add("study", type=Path, metavar="STUDY.csv", help="one row a scan: subject, group, series or result, …")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for page and tables")
    add("--overwrite", action="store_true", help="replace page and tables of an earlier run")
    add(
        "--methods", metavar="A,B", help=f"of {', '.join(METHODS)} (default: of the results, else two-branch)"
    )
    add(
        "--reference",
        metavar="GROUP",
        help="group the others are compared with (default: control, or the first)",
    )
    add(
        "--covariates",
        metavar="A,B|none",
        help=f"numeric columns, or of what is measured {', '.join(MEASURED)} (medians over the regions), that the "
        "adjusted mixed model takes in (default: all numeric columns)",
    )
    add(
        "--estimator",
        choices=tuple(ESTIMATORS),
        default="roi-spectrum",
        help="number of a region (default: %(default)s)",
    )
    add(
        "--rename",
        nargs="+",
        default=[],
        metavar="OLD=NEW",
        help="other names for regions, such as 'label 1=left leg'; left and right are told from the name",
    )
    add("--model", metavar="NAME|FILE", help="network weights for what is quantified (default: by protocol)")
    add("--workers", type=worker_count, metavar="N", help="processes that quantify (default: one a processor)")
    add("--pdf", action="store_true", help="write the page as PDF too")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read the list, quantify what is missing, test, write; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the list cannot be used, no scan has a result, or the page cannot be written.
    """
    require_statsmodels()
    if args.pdf:
        require_weasyprint(EXTRA)
    if not args.overwrite and (args.out / RECORD_FILE).exists():
        raise OutputError(
            f"{args.out}: it already holds a study; give another folder, or --overwrite to replace it"
        )
    progress = make_progress(args.progress)
    study = read_study(args.study)
    groups = _groups(study, args.reference)
    adjust_for = _covariates(study, args.covariates)
    results = collect_results(
        study,
        _methods(args.methods),
        args.out / "results",
        lambda fraction, stage: progress.step(0.9 * fraction, stage),
        estimator=ESTIMATORS[args.estimator],
        names=_names(args.rename),
        model=args.model,
        workers=args.workers,
    )
    progress.step(0.9, "statistics")
    covariates = _subject_covariates(study, results)
    analysis = analyse([*results.values, *results.without_value], covariates, groups, adjust_for)
    progress.step(0.95, "writing")
    earlier = pictures_in(args.out / RECORD_FILE)
    with staged(args.out, overwrite=args.overwrite) as folder:
        notes = _write(args, study, groups, results, analysis, folder)
        files = sorted(p.name for p in folder.iterdir())
    for name in earlier - set(files):  # would be taken for pictures of this run
        (args.out / name).unlink(missing_ok=True)
    for note in notes:
        progress.warn(note)
    progress.finish(out=str(args.out), files=files)
    if args.progress == "bar":
        sys.stdout.write(_summary(args.out, groups, results, analysis))
    return 0


def _groups(study: Study, reference: str | None) -> tuple[str, ...]:
    """Return the groups, the reference first.

    Raises
    ------
    StudyError
        When the one that was named is not in the list.
    """
    groups = study.groups
    if reference is None:
        reference = next((g for g in groups if g.lower() in HEALTHY), groups[0])
    if reference not in groups:
        raise StudyError(
            f"{study.path}: no subject is in the group '{reference}'; the groups are {', '.join(groups)}"
        )
    return (reference, *(g for g in groups if g != reference))


def _covariates(study: Study, wanted: str | None) -> tuple[str, ...]:
    if wanted is None:
        return study.covariates
    names = () if wanted == "none" else tuple(filter(None, (n.strip() for n in wanted.split(","))))
    for name in names:
        if name not in study.covariates and name.lower() not in MEASURED:
            known = ", ".join(study.covariates) or "none"
            raise StudyError(
                f"{study.path}: there is no numeric column '{name}'; the numeric columns are: {known}; of the scans, "
                f"{', '.join(MEASURED)} are measured"
            )
    return tuple(name if name in study.covariates else MEASURED[name.lower()] for name in names)


def _methods(wanted: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in (wanted or "").split(",") if n.strip()))
    for name in names:
        if name not in METHODS:
            raise StudyError(f"--methods: there is no method '{name}'; the methods are {', '.join(METHODS)}")
    return names


def _names(renames: Sequence[str]) -> dict[str, str]:
    names = {}
    for text in renames:
        old, equals, new = text.partition("=")
        if not (equals and old.strip() and new.strip()):
            raise StudyError(f"--rename: '{text}' has no OLD=NEW; write for instance 'label 1=left leg'")
        names[old.strip()] = new.strip()
    return names


def _subject_covariates(study: Study, results: StudyResults) -> dict[str, dict[str, float]]:
    """Mean of every covariate over a subject's scans: those of the list and those measured."""
    used = {v.subject for v in results.values}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for scan in study.scans:
        if scan.subject in used and not scan.excluded:
            for name, value in scan.covariates.items():
                found[scan.subject][name].append(value)
    for subject, name, value in results.facts:
        if subject in used:
            found[subject][name].append(value)
    return {s: {n: sum(v) / len(v) for n, v in of.items()} for s, of in found.items()}


def _write(
    args: argparse.Namespace,
    study: Study,
    groups: tuple[str, ...],
    results: StudyResults,
    analysis: Analysis,
    folder: Path,
) -> list[str]:
    notes = [*study.notes, *results.notes]
    pictures: list[Picture] = []
    try:
        pictures = pictures_of(results.values, groups, analysis)
        for picture in pictures:
            picture.figure.savefig(folder / picture.name, dpi=150)
    except MissingExtraError as error:
        # The numbers are the result; a missing drawing package must not cost them.
        notes.append(f"no pictures: {error}")
    write_tables([*results.values, *results.without_value], results.left_out, analysis, folder)
    listed = {g: len({s.subject for s in study.scans if s.group == g}) for g in groups}
    contents = Contents(
        _title(study, groups),
        groups,
        listed,
        results.values,
        results.left_out,
        analysis,
        pictures,
        notes,
        ESTIMATORS[args.estimator],
        f"PCrCEST {__version__}, {versions()}; {datetime.now(timezone.utc):%Y-%m-%d}.",
    )
    page = study_page(contents)
    (folder / PAGE_FILE).write_text(page, encoding="utf-8")
    if args.pdf:
        (folder / PDF_FILE).write_bytes(pdf_of(page, EXTRA))
    record = record_of(study, results, analysis, contents)
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return notes


def _title(study: Study, groups: tuple[str, ...]) -> str:
    name = "" if study.path.stem.lower() == "study" else f" {study.path.stem}"
    reference, *others = groups
    against = f"{', '.join(others)} against {reference}" if others else reference
    return f"Study{name}: {against}"


def _summary(out: Path, groups: Sequence[str], results: StudyResults, analysis: Analysis) -> str:
    sizes = {g: len({v.subject for v in results.values if v.group == g}) for g in groups}
    lines = [", ".join(f"{g} n = {n}" for g, n in sizes.items())]
    for contrast in analysis.contrasts:
        lines.append(f"fs, {contrast[1]} against {contrast[0]} [95 % confidence]")
        for t in analysis.tests:
            f = t.finding
            if t.quantity == "fs" and f.test == PERCENT and (t.reference, t.compared) == contrast:
                effect = f.note or f"{f.estimate:+6.1f} % [{f.low:+.1f}, {f.high:+.1f}]"
                lines.append(f"  {t.method:<11} {t.muscle:<24} {effect}  n {t.n_reference} + {t.n_compared}")
    lines += [f"  left out: {e.subject} {e.method} {e.roi}: {e.reason}" for e in results.left_out]
    return "\n".join([*lines, f"page: {out / PAGE_FILE}"]) + "\n"
