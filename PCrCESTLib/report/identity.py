"""Whose scan it is, as far as the files say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PCrCESTLib.report.page import Section, paragraph, table
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import UNKNOWN

ENTITY = {name: re.compile(rf"(?:^|[_/\\]){name}-([A-Za-z0-9]+)") for name in ("sub", "ses")}
REMOVED_NOTE = (
    "Names, identifiers, dates and paths were removed from this report on request. Checksums of the files stay; they "
    "tell something only to who has the files."
)


@dataclass(frozen=True)
class Identity:
    """Subject and session by their labels in BIDS names, ``""`` where the names have none, and names of the series."""

    subject: str
    session: str
    series: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the head of every printed page."""
        if self.subject:
            return f"Subject {self.subject}" + (f", session {self.session}" if self.session else "")
        return f"Series {', '.join(self.series)}" if self.series else "Subject not stated"


def identity_of(result: Result) -> Identity:
    """Find subject and session in the names of the series, else in that of the result folder."""
    inputs = [item for item in result.record["inputs"] if isinstance(item, dict)]
    paths = [str(item.get("path") or "") for item in inputs if item.get("role") == "series"]
    places = [*paths, str(result.folder.resolve()) if str(result.folder) != "." else ""]
    return Identity(
        _label("sub", places), _label("ses", places), tuple(Path(path).name for path in paths if path)
    )


def identity_section(result: Result, identity: Identity, *, removed: bool) -> Section:
    """Return the table of what is known of subject and scan; what is unknown is said to be unknown."""
    hidden = "removed on request" if removed else ""
    rows = [
        ["Subject", hidden or identity.subject or f"{UNKNOWN} in the names of the files"],
        ["Session", hidden or identity.session or UNKNOWN],
        ["Date of the scan", hidden or UNKNOWN],
        ["Date of the computation", hidden or _time(result.record.get("finished"))],
        ["CEST series", hidden or ", ".join(identity.series) or UNKNOWN],
        ["Result folder", hidden or result.folder.resolve().name],
        ["Image matrix and voxels", result.geometry.describe()],
    ]
    note = paragraph(REMOVED_NOTE) if removed else ""
    return Section("Subject and scan", table(["item", "value"], rows, "What the files say") + note)


def _time(text: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M UTC}"
    except ValueError:
        return UNKNOWN


def _label(entity: str, places: list[str]) -> str:
    for place in places:
        found = ENTITY[entity].findall(place)
        if found:
            return str(found[-1])
    return ""
