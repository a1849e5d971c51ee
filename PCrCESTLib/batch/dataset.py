"""The folder of the results as a data set of BIDS derivatives, and the table of what became of every scan.

BIDS names no file for what CEST gives, neither the images nor maps of fs and ksw, and lets a derivative keep names of
its own where it has none (BIDS specification, *BIDS Derivatives*: non-compliant derivatives). So the folders are BIDS',
and the files within are called as ``pcrcest quantify`` calls them, for the same programs to read; ``.bidsignore`` says
so.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.batch.job import Outcome
from PCrCESTLib.batch.lock import waited_lock
from PCrCESTLib.errors import OutputError
from PCrCESTLib.version import __version__

BIDS_VERSION = "1.10.0"
DESCRIPTION, TABLE, IGNORE, README = "dataset_description.json", "batch.tsv", ".bidsignore", "README"
HIDDEN = ".batch"
SOFTWARE = "PCrCEST"
README_TEXT = f"""Maps of the phosphocreatine proton fraction fs and its exchange rate ksw from CEST MRI.

Each folder sub-*/ (or sub-*/ses-*/) is what pcrcest quantify leaves of one scan: fs, fs_sd, ksw, ksw_sd and quality
as NIfTI, tables of the regions, and quantify.json with inputs, checksums, protocol and warnings. {TABLE} says what
became of every scan, logs/ how. BIDS names none of these files, so {IGNORE} hides them from its validator.
"""
COLUMNS = ("subject", "session", "status", "seconds", "folder", "sentence")


def begin_dataset(out: Path) -> None:
    """Make the folder and describe it, unless it is described already.

    Raises
    ------
    OutputError
        When it cannot be written, or is a data set of something else.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        description = out / DESCRIPTION
        if description.exists():
            _require_ours(description)
        document = {
            "Name": "PCrCEST maps of phosphocreatine",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [
                {
                    "Name": SOFTWARE,
                    "Version": __version__,
                    "Description": "pcrcest batch: fs and ksw from CEST MRI",
                }
            ],
        }
        write_whole(description, json.dumps(document, indent=1) + "\n")
        if not (out / README).exists():
            write_whole(out / README, README_TEXT)
        # No BIDS names exist for these (see above); a validator is to look at the rest.
        write_whole(out / IGNORE, f"{TABLE}\nlogs/\nsub-*/\n")
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be written ({error.strerror or error}); give another folder"
        ) from error


def _require_ours(description: Path) -> None:
    try:
        document = json.loads(description.read_text(encoding="utf-8"))
        names = [entry["Name"] for entry in document["GeneratedBy"]]
    except (ValueError, KeyError, TypeError):
        names = []
    if SOFTWARE not in names:
        raise OutputError(
            f"{description.parent}: this folder is another data set, by its {DESCRIPTION}; give a folder of its own "
            "for the results, such as derivatives/pcrcest in it"
        )


def write_table(out: Path, outcomes: Sequence[Outcome]) -> None:
    """Write ``batch.tsv`` anew: these outcomes, and those of other scans that stand in it.

    Another batch may do the same at the same time: one waits for the other, so that no row is lost.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    try:
        with waited_lock(out / HIDDEN / "table"):
            rows = {(r["subject"], r["session"]): r for r in _rows_before(out / TABLE)}
            for outcome in outcomes:
                row = _row(out, outcome)
                rows[row["subject"], row["session"]] = row
            text = io.StringIO()
            writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[key] for key in sorted(rows))
            write_whole(out / TABLE, text.getvalue())
    except OSError as error:
        raise OutputError(f"{out / TABLE}: cannot be written ({error.strerror or error})") from error


def _rows_before(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, ValueError, csv.Error):
        return []
    return [row for row in rows if tuple(row) == COLUMNS]


def _row(out: Path, outcome: Outcome) -> dict[str, Any]:
    job = outcome.job
    return {
        "subject": f"sub-{job.subject}",
        "session": f"ses-{job.session}" if job.session else "n/a",  # BIDS' word for an empty cell
        "status": outcome.status,
        "seconds": f"{outcome.seconds:.2f}",
        "folder": outcome.folder.relative_to(out).as_posix(),
        "sentence": " ".join(outcome.sentence.split()) or "n/a",
    }


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that nobody ever sees a part of it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
