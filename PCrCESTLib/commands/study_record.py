"""What a run of ``pcrcest study`` keeps of itself in ``study.json``."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PCrCESTLib.commands.study_results import StudyResults
from PCrCESTLib.models.card import sha256
from PCrCESTLib.study.analysis import Analysis
from PCrCESTLib.study.page import Contents
from PCrCESTLib.study.table import Study
from PCrCESTLib.version import __version__

PICTURES = "pictures"


def record_of(study: Study, results: StudyResults, analysis: Analysis, contents: Contents) -> dict[str, Any]:
    """Return inputs with checksums, groups, methods, versions and warnings."""
    groups = contents.groups
    tables = sorted({v.folder for v in (*results.values, *results.without_value)})
    return {
        "software": f"PCrCEST {__version__}",
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "study": {"path": str(study.path), "sha256": sha256(study.path)},
        "groups": {
            g: {
                "listed": contents.listed[g],
                "used": len({v.subject for v in results.values if v.group == g}),
            }
            for g in groups
        },
        "reference": groups[0],
        "methods": list(dict.fromkeys(v.method for v in results.values)),
        "estimator": contents.estimator,
        "adjusted_for": list(analysis.adjusted_for),
        "results": [
            {"folder": folder, "sha256": sha256(Path(folder) / "roi_statistics.csv")} for folder in tables
        ],
        "left_out": [vars(e) for e in results.left_out],
        PICTURES: [p.name for p in contents.pictures],
        "versions": versions(),
        "warnings": list(contents.notes),
    }


def pictures_in(record: Path) -> set[str]:
    """Return the file names of the pictures that an earlier run wrote; none where it does not say."""
    try:
        listed = json.loads(record.read_text(encoding="utf-8"))[PICTURES]
        return {name for name in listed if Path(name).name == name and name.endswith(".png")}
    except (OSError, ValueError, TypeError, KeyError):
        return set()


def versions() -> str:
    """Name the packages that the numbers rest on."""
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "statsmodels"))
