"""The numbers of a study, one a muscle and scan, read from finished result folders."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.result_folder import RECORD, TABLE, read_record
from PCrCESTLib.roi import ROI_SPECTRUM, VOXEL_MEAN
from PCrCESTLib.study.regions import muscle_and_side
from PCrCESTLib.study.table import Scan, StudyError

ESTIMATORS = {"roi-spectrum": ROI_SPECTRUM, "voxel-mean": VOXEL_MEAN}


@dataclass(frozen=True)
class Value:
    """One number of one muscle in one scan, by one method; ``sd`` as its estimator means it.

    ``value`` is NaN where there is none, and ``reason`` says why.
    """

    subject: str
    group: str
    session: str
    side: str
    method: str
    muscle: str
    roi: str
    quantity: str
    unit: str
    estimator: str
    value: float
    sd: float
    identifiable: bool
    n_voxels: int
    flagged_share: float
    folder: str
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.value)


@dataclass(frozen=True)
class Excluded:
    """What is not in the comparison, and the sentence that says why; ``method`` and ``roi`` empty for all of them."""

    subject: str
    group: str
    session: str
    side: str
    method: str
    roi: str
    reason: str


def excluded(scan: Scan, reason: str, method: str = "", roi: str = "", side: str | None = None) -> Excluded:
    """Leave out a scan, or one of its methods or regions."""
    its_side = scan.side if side is None else side
    return Excluded(scan.subject, scan.group, scan.session, its_side, method, roi, reason)


def method_of(folder: Path) -> str:
    """Return the method that made a result folder.

    Raises
    ------
    PCrCESTError
        When the folder is none, or its record is damaged.
    """
    method = read_record(folder).get("method")
    if not isinstance(method, str):
        raise StudyError(f"{folder / RECORD}: the method is not named; quantify the scan again")
    return method


def read_values(
    scan: Scan, folder: Path, method: str, estimator: str, names: Mapping[str, str]
) -> tuple[list[Value], list[Excluded]]:
    """Return the numbers of one result folder, those without a value included, and what of it cannot be used.

    Parameters
    ----------
    scan : Scan
        Whose it is; the scan's side, where given, is that of every region.
    folder : Path
        As ``pcrcest quantify`` leaves it, with regions.
    method : str
        As in ``quantify.json``.
    estimator : str
        A value of `ESTIMATORS`.
    names : mapping
        Other names for regions: from the one in the file to the one wanted.

    Raises
    ------
    StudyError
        When the folder has no table of regions, or a damaged one.
    """
    values, left_out = [], []
    for row in _rows(folder / TABLE):
        if row.get("estimator") != estimator:
            continue
        name = names.get(row["roi"], row["roi"])
        muscle, side = muscle_and_side(name)
        if scan.side and side and side != scan.side:
            reason = f"the region is on the {side}, the row of the list says {scan.side}"
            left_out.append(excluded(scan, reason, method, name))
            continue
        value = _value(scan, folder, method, (name, muscle, side or scan.side), row)
        values.append(value)
        if not value.known:
            left_out.append(excluded(scan, value.reason, method, name, value.side))
    if not values and not left_out:
        raise StudyError(
            f"{folder / TABLE}: no row has the estimator '{estimator}'; quantify the scan again"
        )
    return values, list(dict.fromkeys(left_out))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except FileNotFoundError as error:
        raise StudyError(
            f"{path}: the result has no table of regions; name the regions in the column rois and quantify again"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{path}: the table of regions cannot be read; quantify the scan again") from error


def _value(
    scan: Scan, folder: Path, method: str, place: tuple[str, str, str], row: Mapping[str, str]
) -> Value:
    name, muscle, side = place
    reason = row.get("reason") or ""
    try:
        number = _number(row["value"])
        if not (math.isfinite(number) or reason):  # of an earlier version
            reason = f"{row['quantity']} has no value in this region"
        return Value(
            scan.subject,
            scan.group,
            scan.session,
            side,
            method,
            muscle,
            name,
            row["quantity"],
            row["unit"],
            row["estimator"],
            number,
            _number(row["sd"]),
            row["identifiable"] == "True",
            int(row["n_voxels"]),
            _number(row["flagged_share"]),
            str(folder),
            reason,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{folder / TABLE}: a row is damaged; quantify the scan again") from error


def _number(cell: str) -> float:
    return float(cell or "nan")


def without_doubles(values: Sequence[Value]) -> list[Value]:
    """Return the values; two of one muscle of one side in one scan cannot be told apart.

    Raises
    ------
    StudyError
        When there are two.
    """
    seen: dict[tuple[str, ...], Value] = {}
    for v in values:
        key = (v.subject, v.session, v.side, v.method, v.muscle, v.quantity)
        if key in seen:
            raise StudyError(
                f"{v.folder}: {seen[key].roi} and {v.roi} of {v.subject} are the same muscle, side and session; "
                "rename one region (--rename), or name the sessions of the list"
            )
        seen[key] = v
    return list(values)
