"""Whose scan it is, as far as its header and the names of the files say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.errors import MissingExtraError, PCrCESTError
from PCrCESTLib.readers.identity import ScanIdentity, read_identity
from PCrCESTLib.report.page import Section, notice, paragraph, table
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import UNKNOWN

ENTITY = {name: re.compile(rf"(?:^|[_/\\]){name}-([A-Za-z0-9]+)") for name in ("sub", "ses")}
REMOVED_NOTE = (
    "Names, identifiers, dates and paths were removed from this report on request. Checksums of the files stay; they "
    "tell something only to who has the files."
)
SEVERAL = "The series state more than one subject: check whose they are."
# Rows that stand only where something is known.
OPTIONAL = (
    ("Study", "study"),
    ("Series", "series"),
    ("Accession number", "accession"),
    ("Institution", "institution"),
    ("Station", "station"),
)


@dataclass(frozen=True)
class Identity:
    """Subject and session by their labels in BIDS names, ``""`` where the names have none, and names of the series.

    ``header`` is what the scan itself says, ``conflicts`` tells where series disagree on the subject, and ``unread``
    which headers could not be used.
    """

    subject: str
    session: str
    series: tuple[str, ...]
    header: ScanIdentity = field(default_factory=ScanIdentity)
    conflicts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Return the head of every printed page."""
        said = self.header
        known = [
            said.name,
            said.subject_id and f"ID {said.subject_id}",
            said.birth_date and f"born {said.birth_date}",
        ]
        if said.name or said.subject_id:
            return ", ".join(filter(None, known))
        if self.subject:
            return f"Subject {self.subject}" + (f", session {self.session}" if self.session else "")
        return f"Series {', '.join(self.series)}" if self.series else "Subject not stated"


def identity_of(result: Result) -> Identity:
    """Find subject and session in the headers and names of the series, else in the name of the result folder."""
    inputs = [item for item in result.record["inputs"] if isinstance(item, dict)]
    series = [item for item in inputs if item.get("role") == "series" and item.get("path")]
    paths = [str(item["path"]) for item in series]
    places = [*paths, str(result.folder.resolve()) if str(result.folder) != "." else ""]
    headers, unread = _headers(series)
    header, conflicts = _together(headers)
    names = tuple(Path(path).name for path in paths)
    return Identity(_label("sub", places), _label("ses", places), names, header, conflicts, unread)


def identity_section(result: Result, identity: Identity, *, removed: bool) -> Section:
    """Return the table of what is known of subject and scan; what is unknown is said to be unknown."""
    hidden = "removed on request" if removed else ""
    said = identity.header
    rows = [
        [
            "Subject",
            hidden or said.name or identity.subject or f"{UNKNOWN} in the scan and in the names of the files",
        ],
        ["Subject ID", hidden or said.subject_id or UNKNOWN],
        ["Date of birth", hidden or said.birth_date or UNKNOWN],
        ["Sex", hidden or said.sex or UNKNOWN],
        ["Session", hidden or identity.session or UNKNOWN],
        ["Date of the scan", hidden or said.scanned or UNKNOWN],
        *([] if removed else [[head, getattr(said, key)] for head, key in OPTIONAL if getattr(said, key)]),
        ["CEST series", hidden or ", ".join(identity.series) or UNKNOWN],
        ["Date of the computation", hidden or _time(result.record.get("finished"))],
        ["Result folder", hidden or result.folder.resolve().name],
        ["Scanner", said.scanner or UNKNOWN],
        ["Image matrix and voxels", result.geometry.describe()],
    ]
    html = "".join(notice(s) for s in identity.conflicts) + table(
        ["item", "value"], rows, "What the files say"
    )
    html += "".join(paragraph(s) for s in identity.unread) + (paragraph(REMOVED_NOTE) if removed else "")
    return Section("Subject and scan", html)


def _headers(series: list[dict[str, Any]]) -> tuple[list[ScanIdentity], tuple[str, ...]]:
    """Read the headers of all series; those that cannot be used are told."""
    found: list[ScanIdentity] = []
    unread = []
    for item in series:
        path = Path(str(item["path"]))
        try:
            if not path.exists():
                unread.append(
                    f"{path.name} is not where it was quantified: what it says of the subject is unknown."
                )
            elif item.get("sha256") and input_checksum(path) != item["sha256"]:
                # It may be another subject's by now.
                unread.append(
                    f"{path.name} has changed since it was quantified: nothing of its header was taken."
                )
            else:
                found.append(read_identity(path))
        except MissingExtraError as error:
            unread.append(f"The header of {path.name} was not read: {error}.")
        except (PCrCESTError, OSError):
            unread.append(f"The header of {path.name} cannot be read.")
    return found, tuple(unread)


def _together(headers: list[ScanIdentity]) -> tuple[ScanIdentity, tuple[str, ...]]:
    """Return different values side by side, and where that is more than one subject."""

    def values(key: str) -> list[str]:
        return [value for value in dict.fromkeys(getattr(one, key) for one in headers) if value]

    together = ScanIdentity(**{f.name: "; ".join(values(f.name)) for f in fields(ScanIdentity)})
    conflicts = [
        f"The series state more than one {what} ({'; '.join(values(key))}): check whose they are."
        for key, what in (("name", "name"), ("subject_id", "subject ID"), ("birth_date", "date of birth"))
        if len(values(key)) > 1
    ]
    return together, tuple(conflicts)


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
