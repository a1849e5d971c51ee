"""The table of a run again, with the muscles as they are drawn now: a result of its own, the voxels as computed.

`write_for_stats` gives ``pcrcest stats`` the run as files, with the scan it was computed from; `take_table` makes the
new result of what that left.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.errors import ReaderError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.quality import Quality
from PCrCESTLib.result_folder import CORRELATION, RECORD, ROIS, TABLE, read_result_folder
from PCrCESTLib.roi import ROI_SPECTRUM, VOXEL_MEAN
from PCrCESTLib.scene.inputs import Inputs, write_inputs
from PCrCESTLib.scene.muscles import write_segmentation
from PCrCESTLib.scene.runs import Run, export_run, write_table
from PCrCESTLib.scene.tables import SUMMARY, TITLES
from PCrCESTLib.scene.volumes import array_of, geometry_of
from PCrCESTLib.selection import Selection, selection_notes
from PCrCESTLib.version import __version__

RESULT, REGIONS, NEW_TABLE = "result", "muscles.seg.nrrd", "table.csv"
OF_OLD_REGIONS = ("roi_spectra.csv", "roi_curves.csv", "overview.png")


def write_for_stats(run: Run, inputs: Inputs, folder: Path) -> list[str]:
    """Write a run, its scan and the muscles into a folder; return the arguments of ``pcrcest stats``.

    Parameters
    ----------
    run : Run
        Whose table is wanted again.
    inputs : Inputs
        The scan that it was computed from, and the muscles as drawn now.
    folder : Path
        An empty one.

    Raises
    ------
    ReaderError
        When something that the run was computed from is not in the scene any more, or no muscle is drawn.
    """
    result = folder / RESULT
    export_run(run, result)
    write_segmentation(inputs.muscles, run.maps["fs"], folder / REGIONS)
    (folder / "inputs").mkdir()
    write_inputs(replace(inputs, muscles=None, only_muscles=False), folder / "inputs")
    here = {str(input_checksum(path)): path for path in (folder / "inputs").rglob("*.nii.gz")}
    entries = [
        entry for entry in run.record.get("inputs", []) if entry.get("role") not in ("rois", "anatomy")
    ]
    record = run.record | {"inputs": [_found(entry, here, run, folder) for entry in entries]}
    (result / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return [str(result), "--rois", str(folder / REGIONS), "--out", str(folder / NEW_TABLE)]


def _found(entry: dict[str, Any], here: dict[str, Path], run: Run, folder: Path) -> dict[str, Any]:
    """Where an input lies now; a mask is what has a value in the maps, since the drawn muscles may have changed."""
    if entry.get("role") == "mask":
        path = folder / "mask.nii.gz"
        quality = run.maps["quality"]
        write_image(array_of(quality).astype(int) & int(Quality.NO_VALUE) == 0, geometry_of(quality), path)
        return entry | {"path": str(path), "sha256": input_checksum(path)}
    found = here.get(str(entry.get("sha256")))
    if found is None:
        raise ReaderError(
            f"{Path(str(entry.get('path'))).name}, which {run.name} was computed from, is not chosen or has changed "
            "since; choose it in the section Scan, or press Apply"
        )
    return entry | {"path": str(found)}


def take_table(run: Run, folder: Path, selection: Selection, notes: Sequence[str]) -> Path:
    """Put the table that ``pcrcest stats`` left into the folder of the run; return that, a result of its own.

    Spectra and picture of the old regions are left out. The record tells the rules, and what there is to say of the new
    regions instead of the old ones.

    Raises
    ------
    ReaderError
        When the table has no estimates from mean spectra; the notes say why.
    """
    rows = _rows(folder / NEW_TABLE)
    if not any(row["estimator"] == ROI_SPECTRUM for row in rows):
        raise ReaderError(f"{run.name}: the table cannot be made again ({'; '.join(notes)}); press Apply")
    result = folder / RESULT
    stale = _notes_of_regions(result)
    for name in OF_OLD_REGIONS:
        (result / name).unlink(missing_ok=True)
    write_table(rows, result / TABLE)
    (folder / REGIONS).replace(result / ROIS)
    regions = {"role": "rois", "path": REGIONS, "sha256": input_checksum(result / ROIS)}
    listed = [entry for entry in run.record["inputs"] if entry.get("role") != "rois"]
    known = [warning for warning in run.record.get("warnings", []) if warning not in stale]
    kept = {key: value for key, value in run.record.items() if key != CORRELATION}
    record = kept | {
        "inputs": [*listed, regions],
        "options": run.record["options"]
        | {"erode": selection.erode, "exclude_flagged": selection.exclude_flagged},
        "warnings": [*known, *(note for note in notes if note not in known)],
        "table": {
            "software": f"PCrCEST {__version__}",
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "note": "made again from the maps and spectra of the run, with the regions in inputs",
        },
    }
    (result / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return result


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of the table that a run has too, without comment lines."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    return [
        {key: row.get(key, "") for key in TITLES}
        for row in rows
        if row["quantity"] in SUMMARY and row["estimator"] in (VOXEL_MEAN, ROI_SPECTRUM)
    ]


def _notes_of_regions(folder: Path) -> list[str]:
    """Return what the run said of the regions that it had."""
    result = read_result_folder(folder)
    rois = result.rois()
    if rois is None:
        return []
    options = result.record["options"]
    selection = Selection(options["erode"], options["exclude_flagged"])
    pairs = zip(rois.names, rois.masks, strict=True)
    return selection_notes(
        [(name, mask, selection.of(mask, result.quality)) for name, mask in pairs], selection
    )
