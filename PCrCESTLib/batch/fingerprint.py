"""Whether results are still those of the same inputs, options and software."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from PCrCESTLib.batch.arguments import model_file
from PCrCESTLib.commands.quantify_options import add_companions, add_settings, names
from PCrCESTLib.errors import OutputError, ReaderError
from PCrCESTLib.models.card import sha256
from PCrCESTLib.readers.bruker.files import is_bruker_scan, read_scan_files
from PCrCESTLib.readers.dicom.file import is_dicom
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.readers.stored_bytes import sniff
from PCrCESTLib.result_folder import RECORD
from PCrCESTLib.version import __version__

# The device changes a result by rounding only: a batch that was begun on a GPU may end without one.
WITHOUT_EFFECT = ("device",)


def fingerprint(args: argparse.Namespace) -> dict[str, Any]:
    """Everything a result depends on: checksums of all files that are read, options, software.

    Names and places of files are left out, so that a data set may be moved.

    Raises
    ------
    ReaderError
        When an input is missing or cannot be read.
    """
    companions = [(name, getattr(args, name)) for name in names(add_companions)]
    settings = {name: getattr(args, name) for name in names(add_settings) if name not in WITHOUT_EFFECT}
    given = [(name, value) for name, value in settings.items() if isinstance(value, Path)]
    if (weights := model_file(args.model)) is not None:
        given.append(("model", weights))
    files = [("series", path) for path in args.series] + [*companions, *given]
    named = {name for name, _ in given}
    return {
        "software": f"PCrCEST {__version__}",
        "options": {name: value for name, value in settings.items() if name not in named},
        "inputs": [[role, digest] for role, path in files if path is not None for digest in _digests(path)],
    }


def digest_of(facts: dict[str, Any]) -> str:
    """Checksum of a fingerprint."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _digests(path: Path) -> list[str]:
    try:
        return [sha256(file) for file in files_behind(path)]
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read ({error.strerror or error})") from error


def files_behind(path: Path) -> list[Path]:
    """All files that a reader may take when it is given ``path``.

    These are the files of the same stem beside it (protocol, units, names of labels), all of a folder, and all of the
    folder of a DICOM file or of a Bruker scan.

    Raises
    ------
    ReaderError
        When there is nothing at ``path``.
    """
    if not path.exists():
        raise ReaderError(f"{path}: there is no such file or folder; correct the path")
    if is_bruker_scan(path):  # what describes a reconstruction lies in folders above it
        path = read_scan_files(path).folder
    if path.is_dir():
        return [
            *sorted(p for p in path.rglob("*") if p.is_file()),
            *_present(path.with_name(f"{path.name}.json")),
        ]
    if is_dicom(sniff(path)):
        return sorted(p for p in path.parent.iterdir() if p.is_file())
    stem = stem_of(path)
    beside = sorted(
        p for p in path.parent.iterdir() if p.name.startswith(f"{stem}.") and p != path and p.is_file()
    )
    return [path, *beside, *_present(path.with_name(f"{stem}_protocol.json"))]


def _present(path: Path) -> list[Path]:
    return [path] if path.is_file() else []


def earlier_note(folder: Path) -> dict[str, Any] | None:
    """Return what an earlier batch noted in the provenance of ``folder``; None where nothing whole is."""
    try:
        noted = json.loads((folder / RECORD).read_text(encoding="utf-8"))["batch"]
        whole = all((folder / name).is_file() for name in noted["files"])
        return noted if whole and isinstance(noted["fingerprint"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note(folder: Path, noted: dict[str, Any]) -> None:
    """Add ``noted`` to the provenance that ``quantify`` left in ``folder``, with the names of all files there.

    Raises
    ------
    OutputError
        When the provenance cannot be read again.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(f"{path}: the provenance cannot be read again ({error})") from error
    record["batch"] = noted | {"files": sorted(p.name for p in folder.iterdir())}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
