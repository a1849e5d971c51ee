"""The results a study compares: those in the list, and those quantified for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PCrCESTLib.batch import Job, Outcome, run_batch
from PCrCESTLib.batch.job import FAILED
from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.result_folder import read_record
from PCrCESTLib.study.facts import scan_facts
from PCrCESTLib.study.table import Scan, Study, StudyError
from PCrCESTLib.study.values import Excluded, Value, excluded, method_of, read_values, without_doubles

Report = Callable[[float, str], None]


@dataclass
class StudyResults:
    """All numbers, what is left out and why, and what was measured beside: (subject, name, value).

    ``without_value`` are the places of numbers that a region has not.
    """

    values: list[Value] = field(default_factory=list)
    without_value: list[Value] = field(default_factory=list)
    left_out: list[Excluded] = field(default_factory=list)
    facts: list[tuple[str, str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    """A scan to be quantified by a method."""

    scan: Scan
    method: str
    job: Job


def collect_results(
    study: Study,
    methods: Sequence[str],
    folder: Path,
    report: Report,
    *,
    estimator: str,
    names: Mapping[str, str],
    model: str | None = None,
    workers: int | None = None,
) -> StudyResults:
    """Read the results of every scan by every method; quantify those that are missing into ``folder``.

    A scan that fails, or lacks what a method needs, is left out with its sentence while the others go on.

    Parameters
    ----------
    methods : sequence of str
        Empty: those of the results in the list, and `NETWORK` where there are none.
    estimator, names
        As `read_values` takes them.
    model : str, optional
        Weights of the network for what is quantified.
    workers : int, optional
        Processes that quantify; by default one a processor.

    Raises
    ------
    StudyError
        When no scan has a number, or two regions cannot be told apart.
    """
    results = StudyResults()
    usable = _usable(study, results)
    finished = _finished(usable, results)
    chosen = tuple(methods) or tuple(dict.fromkeys(m for _, m in finished)) or (NETWORK,)
    for line, method in [key for key in finished if key[1] not in chosen]:
        del finished[line, method]
    tasks = []
    for scan in (s for s in usable if not (s.result and not s.series and _failed(s, results))):
        for method in (m for m in chosen if (scan.line, m) not in finished):
            if not scan.series:
                reason = f"no result by {method}, and no series to compute it from"
                results.left_out.append(excluded(scan, reason, method))
            else:
                tasks.append(_task(scan, method, model))
    for task, outcome in _quantified(tasks, folder, workers, report):
        if outcome.status == FAILED:
            results.left_out.append(excluded(task.scan, outcome.sentence, task.method))
        else:
            finished[task.scan.line, task.method] = outcome.folder
    by_line = {scan.line: scan for scan in usable}
    # In the order of the methods asked for, which tables and pictures keep.
    for line, method in sorted(finished, key=lambda key: (chosen.index(key[1]), key[0])):
        _read(by_line[line], method, finished[line, method], estimator, names, results)
    _measure(by_line, finished, results)
    if not results.values:
        first = f" (first: {results.left_out[0].reason})" if results.left_out else ""
        raise StudyError(f"{study.path}: no scan has a result that can be used{first}")
    without_doubles([*results.values, *results.without_value])
    results.left_out = list(dict.fromkeys(results.left_out))
    return results


def _usable(study: Study, results: StudyResults) -> list[Scan]:
    for scan in study.scans:
        if scan.excluded:
            results.left_out.append(excluded(scan, f"excluded in the list: {scan.excluded}"))
        elif not (scan.series or scan.result):
            results.left_out.append(excluded(scan, "the row names neither a series nor a result"))
    gone = {(e.subject, e.session, e.side) for e in results.left_out}
    return [s for s in study.scans if (s.subject, s.session, s.side) not in gone]


def _finished(scans: Sequence[Scan], results: StudyResults) -> dict[tuple[int, str], Path]:
    """Return the result folders of the list by row and method."""
    found = {}
    for scan in scans:
        if scan.result is not None:
            try:
                found[scan.line, method_of(scan.result)] = scan.result
            except PCrCESTError as error:
                results.left_out.append(excluded(scan, str(error)))
    return found


def _failed(scan: Scan, results: StudyResults) -> bool:
    return any(
        (e.subject, e.session, e.side) == (scan.subject, scan.session, scan.side) for e in results.left_out
    )


def _task(scan: Scan, method: str, model: str | None) -> _Task:
    arguments = [*map(str, scan.series), "--method", method]
    for name, path in scan.companions.items():
        arguments += [f"--{name}", str(path)]
    if model is not None and method == NETWORK:
        arguments += ["--model", model]
    session = "".join(map(_label, (scan.session, scan.side)))
    return _Task(scan, method, Job(_label(scan.subject), session, arguments))


def _label(name: str) -> str:
    """Letters and digits of a name; where others than separators are lost, a checksum keeps names apart."""
    plain = re.sub(r"[^A-Za-z0-9]", "", name.removeprefix("sub-"))
    lost = re.sub(r"[A-Za-z0-9_. -]", "", name)
    return plain + (hashlib.sha256(name.encode()).hexdigest()[:6] if lost else "")


def _quantified(
    tasks: Sequence[_Task], folder: Path, workers: int | None, report: Report
) -> list[tuple[_Task, Outcome]]:
    """Quantify what is not there yet, one data set a method; return what became of every task."""
    outcomes: list[tuple[_Task, Outcome]] = []
    for method in dict.fromkeys(task.method for task in tasks):
        of = [task for task in tasks if task.method == method]
        before = len(outcomes) / len(tasks)

        def tell(outcome: Outcome, fraction: float, before: float = before, share: float = len(of)) -> None:
            report(before + fraction * share / len(tasks), f"{outcome.job.name}, {outcome.status}")

        found = run_batch([task.job for task in of], folder / method, workers=workers, report=tell)
        outcomes += zip(of, found, strict=True)
    return outcomes


def _read(
    scan: Scan, method: str, folder: Path, estimator: str, names: Mapping[str, str], results: StudyResults
) -> None:
    try:
        values, left_out = read_values(scan, folder, method, estimator, names)
    except StudyError as error:
        results.left_out.append(excluded(scan, str(error), method))
        return
    results.values += [v for v in values if v.known]
    results.without_value += [v for v in values if not v.known]
    results.left_out += left_out


def _measure(
    by_line: Mapping[int, Scan], finished: Mapping[tuple[int, str], Path], results: StudyResults
) -> None:
    """Take what was measured once a scan; the methods share it."""
    done = set()
    for (line, _), folder in finished.items():
        if line in done:
            continue
        done.add(line)
        try:
            facts, notes = scan_facts(folder, read_record(folder))
        except PCrCESTError:
            continue  # the values say so already
        results.facts += [(by_line[line].subject, name, value) for name, value in facts.items()]
        results.notes += [f"{by_line[line].name}: not checked for confounding: {note}" for note in notes]
