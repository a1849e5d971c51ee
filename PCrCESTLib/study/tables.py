"""The tables of a study as CSV files, one row a number."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from PCrCESTLib.study.analysis import Analysis, Needed
from PCrCESTLib.study.finding import Finding
from PCrCESTLib.study.repeats import Retest
from PCrCESTLib.study.retest import Estimate
from PCrCESTLib.study.values import Excluded, Value

VALUES_FILE, TESTS_FILE, EXCLUDED_FILE = "study_values.csv", "study_tests.csv", "study_excluded.csv"
RETEST_FILE, POWER_FILE, BALANCE_FILE = "study_retest.csv", "study_power.csv", "study_balance.csv"
_TEST_COLUMNS = (
    *("quantity", "method", "muscle", "reference", "compared", "n_reference", "n_compared"),
    *("mean_reference", "sd_reference", "mean_compared", "sd_compared", "n_unidentifiable", "n_values"),
    *(f.name for f in fields(Finding) if f.name != "note"),
    *("p_holm", "note"),
)
_RETEST_COLUMNS = (
    *("quantity", "unit", "method", "muscle", "what", "first", "second", "n_subjects", "n_repeats", "mean"),
    *("measure", "value", "low", "high"),
)
MEASURES = ("bias", "lower_limit", "upper_limit", "icc21", "icc31", "cov")


def write_tables(
    values: Sequence[Value], left_out: Sequence[Excluded], analysis: Analysis, folder: Path
) -> None:
    """Write all tables; one without rows has its header still."""
    _write(folder / VALUES_FILE, [f.name for f in fields(Value)], [asdict(v) for v in values])
    _write(folder / EXCLUDED_FILE, [f.name for f in fields(Excluded)], [asdict(e) for e in left_out])
    _write(folder / TESTS_FILE, _TEST_COLUMNS, [t.row() for t in analysis.tests])
    _write(folder / RETEST_FILE, _RETEST_COLUMNS, [r for t in analysis.retests for r in _retest_rows(t)])
    columns = ("quantity", "method", "muscle", "effect", "cov", "df", "n_a_group")
    _write(folder / POWER_FILE, columns, [_power_row(n) for n in analysis.needed])
    columns = (
        "reference",
        "compared",
        "name",
        "n_reference",
        "n_compared",
        "mean_reference",
        "mean_compared",
    )
    rows = [
        {"reference": c[0], "compared": c[1], **asdict(b)}
        for c, found in analysis.balances.items()
        for b in found
    ]
    _write(folder / BALANCE_FILE, (*columns, "difference", "p", "note"), rows)


def _retest_rows(retest: Retest) -> list[dict[str, object]]:
    row = asdict(retest)
    found = retest.found
    del row["found"], row["pairs"]
    row |= {"n_subjects": found.n_subjects, "n_repeats": found.n_repeats, "mean": found.mean}
    rows = []
    for measure in MEASURES:
        estimate: Estimate = getattr(found, measure)
        rows.append(row | {"measure": measure, **asdict(estimate)})
    return rows


def _power_row(needed: Needed) -> dict[str, object]:
    row = asdict(needed)
    return row | row.pop("plan")


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows({k: _cell(v) for k, v in row.items()} for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if value != value else f"{value:.8g}"
    return value
