"""Where a series gets its protocol from: given by the caller, a file beside it, or the series itself.

A reader passes on whatever protocol keys its file holds (offsets in a MATLAB file, field in a scanner file).
The protocol file is laid over them, key by key, so that it needs to hold only what the series does not say,
and can correct what the series says wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingKeysError, NoReferenceError, ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import missing_keys, protocol_from_dict, read_document

MAX_FLOAT = float(np.finfo(float).max)
MAX_LISTED = 300  # characters
OFFSET_KEYS = ("SaturationOffsets", "SaturationOffsetsUnits")


@dataclass(frozen=True)
class ResolvedProtocol:
    """A protocol, the files it came from, notes for the user, and the keys the images supplied."""

    protocol: Protocol
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    used_series_keys: tuple[str, ...] = ()


def json_beside(folder: Path) -> Path:
    """JSON file beside a folder that has the folder's whole name: dots are common in names (``0.5uT``)."""
    whole = folder.resolve()
    return whole.with_name(f"{whole.name}.json")


def resolve_protocol(
    series: Path,
    given: Protocol | Path | None,
    sidecars: Sequence[Path] = (),
    from_series: Mapping[str, Any] | None = None,
) -> ResolvedProtocol:
    """Find the protocol of ``series``.

    Parameters
    ----------
    series : Path
        The images, for error messages.
    given : Protocol, Path or None
        What the caller asks for; a ``Protocol`` is taken as it is.
    sidecars : sequence of Path
        Protocol files looked for when nothing is given, the first that exists wins.
    from_series : mapping, optional
        Protocol-file keys that the images themselves supply.

    Raises
    ------
    ProtocolError
        When there is no protocol, or it is incomplete or senseless; a ``NoReferenceError`` when all that lacks is an
        image without saturation.
    """
    if isinstance(given, Protocol):
        return ResolvedProtocol(given)
    stated = dict(from_series or {})
    file = given if given is not None else next((s for s in sidecars if s.is_file()), None)
    if file is None and not stated:
        raise ProtocolError(
            f"{series}: no protocol file beside it (looked for {_names(sidecars)}); write one with"
            " MagneticFieldStrength, SaturationOffsets, SaturationB1 and SaturationDuration, or name one"
            " with --protocol"
        )
    document = {} if file is None else read_document(file)
    notes = _offset_notes(stated, document)
    if "SaturationOffsets" in document:
        stated = {key: value for key, value in stated.items() if key not in OFFSET_KEYS}
    used = tuple(key for key in stated if key not in document)
    blame = _blame(series, file, used, sidecars)
    missing = missing_keys({**stated, **document})
    if len(missing) > 1:
        sentence = f"{blame}: {_listed(missing)} are missing; {_where_to_add(file, sidecars)}"
        raise MissingKeysError(sentence, missing)
    try:
        protocol = protocol_from_dict({**stated, **document})
    except NoReferenceError as error:
        document = {**stated, **document}
        raise NoReferenceError(f"{blame}: {error}", document, () if file is None else (str(file),)) from error
    except ProtocolError as error:
        sentence = f"{blame}: {error}"
        raise (MissingKeysError(sentence, missing) if missing else ProtocolError(sentence)) from error
    return ResolvedProtocol(protocol, () if file is None else (str(file),), notes, used)


def _blame(series: Path, file: Path | None, used: Sequence[str], sidecars: Sequence[Path]) -> str:
    keys = ", ".join(used)
    keys = keys if len(keys) <= MAX_LISTED else f"{keys[:MAX_LISTED]}…"  # a damaged file may have any keys
    if file is None:
        return f"{series} itself gives only {keys}, and there is no protocol file ({_names(sidecars)})"
    return f"{file} (with {keys} from {series.name})" if used else str(file)


def _listed(keys: Sequence[str]) -> str:
    return f"{', '.join(keys[:-1])} and {keys[-1]}"


def _where_to_add(file: Path | None, sidecars: Sequence[Path]) -> str:
    if file is None:
        return f"write them to {sidecars[0].name}" if sidecars else "name a file with --protocol"
    return "add them there" + (f", or write them to {sidecars[0].name}" if file in sidecars[1:] else "")


def _names(sidecars: Sequence[Path]) -> str:
    return " or ".join(s.name for s in sidecars) or "nothing"


def _offset_notes(stated: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    ours, theirs = stated.get("SaturationOffsets"), document.get("SaturationOffsets")
    if ours is None or not isinstance(theirs, list):
        return ()
    if len(ours) == len(theirs) and np.allclose(_numbers(ours), _numbers(theirs), rtol=1e-3, equal_nan=True):
        return ()
    return (
        (
            f"the protocol file's {len(theirs)} SaturationOffsets were used; "
            f"the {len(ours)} offsets stored with the images differ"
        ),
    )


def _numbers(values: Sequence[Any]) -> np.ndarray:
    # JSON allows integers that no float can hold.
    sound = [v if isinstance(v, int | float) and abs(v) < MAX_FLOAT else np.nan for v in values]
    return np.array(sound, dtype=float)
