"""Scans in a folder that is ordered as BIDS orders it: ``sub-*[/ses-*]`` with ``*_cest*.nii.gz`` and maps beside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PCrCESTLib.batch.job import Job
from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.protocol_json import load_protocol
from PCrCESTLib.readers.companions import ROLE_NAMES, find_companions
from PCrCESTLib.readers.nifti import stem_of

SERIES_NAME = re.compile(r".*_cest[^/]*\.nii(\.gz)?", re.IGNORECASE)
WITHOUT_FM = (NETWORK, "bm")


def jobs_in_folder(folder: Path, settings: Sequence[str], method: str) -> list[Job]:
    """Find every scan in a folder.

    All series of a subject and session are powers of one scan; maps and regions are those that lie beside them
    (`find_companions`).

    Parameters
    ----------
    folder : Path
        Which holds the folders of the subjects.
    settings : sequence of str
        Arguments of ``quantify`` for all.
    method : str
        The one these choose, for maps that only some use.

    Raises
    ------
    ReaderError
        When it cannot be read, or holds no subject with a series.
    """
    try:
        jobs = [
            _job(subject, session, series, settings, method)
            for subject in _folders(folder, "sub-")
            for session in ("", *(p.name for p in _folders(subject, "ses-")))
            if (series := _series(subject / session))
        ]
    except OSError as error:
        raise ReaderError(
            f"{error.filename or folder}: cannot be read ({error.strerror or error})"
        ) from error
    if not jobs:
        hint = "; give the folder above it" if folder.name.startswith("sub-") else ""
        raise ReaderError(
            f"{folder}: no sub-*/ or sub-*/ses-*/ with a series *_cest*.nii.gz in it{hint}, or a table (CSV) that "
            "says where the scans lie"
        )
    return jobs


def _folders(folder: Path, prefix: str) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name.startswith(prefix) and p.is_dir())


def _series(folder: Path) -> list[Path]:
    """Series of one session, in its folder or in those of the data types within."""
    types = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "ses-"))]
    files = [p for place in (folder, *types) for p in place.iterdir() if _is_series(p)]
    return sorted(files)


def _is_series(path: Path) -> bool:
    if path.name.startswith(".") or not SERIES_NAME.fullmatch(path.name) or not path.is_file():
        return False
    last = stem_of(path).split("_")[-1].lower()
    return not any(re.fullmatch(names, last) for names in ROLE_NAMES.values())


def _job(subject: Path, session: str, series: list[Path], settings: Sequence[str], method: str) -> Job:
    found: dict[str, Path] = {}
    for path in series:
        found = find_companions(path) | found
    if "r1" in found:
        found.pop("t1", None)
    if method in WITHOUT_FM:
        found.pop("fm", None)
    # In one word, and from the root: a name may begin with a dash.
    files = [f"--{role}={path.absolute()}" for role, path in found.items()]
    arguments = [*(str(p.absolute()) for p in series), *files, *settings]
    return Job(subject.name, session, arguments, _refusal(series))


def _refusal(series: list[Path]) -> str:
    """Say why series cannot be the powers of one scan, as far as their protocol files tell."""
    powers: dict[float, Path] = {}
    for path in series:
        try:
            protocol = load_protocol(path.with_name(stem_of(path) + ".json"))
        except ProtocolError:
            continue  # `quantify` finds the protocol elsewhere, or says what is wrong
        for power in protocol.powers_ut:
            other = powers.setdefault(power, path)
            if other != path:
                return (
                    f"{other.name} and {path.name} have the same power, {power:g} uT, so they are not one scan; put "
                    "repeated scans into sessions (ses-*), or say in a table (CSV) which series belong together"
                )
    return ""
