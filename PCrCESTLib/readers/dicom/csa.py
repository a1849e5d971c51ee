"""Siemens private headers: the CSA table of an image and the protocol text (ASCCONV) of a series.

The layout of the CSA table ("SV10") is described in the documentation of NiBabel, *Siemens format DICOM with
CSA header*; the elements that hold it in Siemens' DICOM conformance statements.
"""

from __future__ import annotations

import re
import struct

MAGIC = b"SV10"
MAX_ENTRIES = 1000
MAX_ITEMS = 2000
# A quoted value may hold anything but a line end; in a DICOM text its quotes are doubled.
ASSIGNMENT = re.compile(r"^[ \t]*([A-Za-z][\w.\[\]]*)[ \t]*=[ \t]*([^\r\n#]*)", re.MULTILINE)


def csa_entries(content: bytes) -> dict[str, list[str]]:
    """Return the values of each named entry of a CSA table; empty where it is damaged or of another version.

    Entries before the damage are kept.
    """
    entries: dict[str, list[str]] = {}
    if not content.startswith(MAGIC):
        return entries
    try:
        (count,) = struct.unpack_from("<I", content, 8)
        at = 16
        for _ in range(min(count, MAX_ENTRIES)):
            name, _vm, _vr, _type, n_items, _check = struct.unpack_from("<64si4siii", content, at)
            at, values = _items(content, at + 84, n_items)
            entries[_text(name)] = values
    except (struct.error, ValueError):
        pass
    return entries


def ascconv(content: bytes) -> dict[str, str]:
    """Return the assignments of the protocol text between its markers; names in lower case.

    Versions differ in capitals (``sWiPMemBlock``, ``sWipMemBlock``).
    """
    begin = content.find(b"### ASCCONV BEGIN")
    end = content.find(b"### ASCCONV END", begin)
    if begin < 0 or end < 0:
        return {}
    text = content[begin:end].decode("latin-1").partition("\n")[2]
    return {name.lower(): value.strip().strip('"') for name, value in ASSIGNMENT.findall(text)}


def _items(content: bytes, at: int, n_items: int) -> tuple[int, list[str]]:
    if not 0 <= n_items <= MAX_ITEMS:
        raise ValueError("too many items")
    values = []
    for _ in range(n_items):
        (length,) = struct.unpack_from("<4xI8x", content, at)
        at += 16
        if length > len(content) - at:
            raise ValueError("item beyond the end")
        if length:
            values.append(_text(content[at : at + length]))
        at += (length + 3) // 4 * 4
    return at, values


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("latin-1").strip()
