"""Warnings, software, inputs and checksums: what is needed to repeat or to doubt the numbers."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.models.card import sha256
from PCrCESTLib.report.page import Section, bullets, paragraph, table
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import UNKNOWN
from PCrCESTLib.version import __version__

ROLES = {
    "series": "CEST series", "r1": "R1 map", "t1": "T1 map", "fm": "MT pool-size ratio map", "b1": "B1 map",
    "b0": "B0 map", "mask": "mask", "rois": "regions", "anatomy": "anatomical image", "protocol": "protocol file",
    "m0": "M0 series",
}  # fmt: skip
OWN_FILES = (
    "fs.nii.gz",
    "fs_sd.nii.gz",
    "ksw.nii.gz",
    "ksw_sd.nii.gz",
    "quality.nii.gz",
    "roi_statistics.csv",
)


def warnings_section(result: Result) -> Section:
    """Return the warnings of the quantification, and what was missing for this report."""
    warnings = result.record.get("warnings")
    found = [str(w) for w in warnings] if isinstance(warnings, list) else []
    sentences = [*found, *result.missing]
    return Section("Warnings and notes", bullets(sentences) if sentences else paragraph("None."))


def provenance_section(result: Result, checksums: dict[str, str]) -> Section:
    """Return versions, and the inputs and results with checksums (`own_checksums`)."""
    record = result.record
    versions = record.get("versions") if isinstance(record.get("versions"), dict) else {}
    device = record.get("device")
    used = str(device.get("used", UNKNOWN)) if isinstance(device, dict) else "processor"
    rows = [
        ["Quantified with", str(record.get("software", UNKNOWN))],
        ["Report made with", f"PCrCEST {__version__}"],
        *([str(name), str(version)] for name, version in (versions or {}).items()),
        ["Computed on", "processor (NumPy)" if used == "numpy" else used],
    ]
    html = table(["item", "version"], rows, "Software")
    html += table(["input", "file", "SHA-256"], _inputs(result), "Inputs")
    html += table(["file", "SHA-256"], [[n, c] for n, c in checksums.items()], "Files of the result")
    return Section("Software and checksums", html)


def own_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums of the main files of a result folder."""
    return {name: sha256(folder / name) for name in OWN_FILES if (folder / name).is_file()}


def _inputs(result: Result) -> list[list[str]]:
    inputs = [item for item in result.record["inputs"] if isinstance(item, dict)]
    rows = []
    for number, item in enumerate(inputs, start=1):
        role = str(item.get("role", ""))
        path = str(item.get("path") or "")
        name = Path(path).name if path else f"input {number}"
        rows.append([ROLES.get(role, role), name, str(item.get("sha256") or "a folder; none was taken")])
    return rows
