"""Text for DICOM values: no separators, no control characters, and never longer than the value may be."""

from __future__ import annotations

# Of the value representations LO and ST (PS3.5 table 6.2-1). It counts characters; bytes of UTF-8 are counted here,
# because programs and databases do.
LONG_STRING = 64
SHORT_TEXT = 1024
CUT = "…"


def fitted(text: str, limit: int = LONG_STRING) -> str:
    """Return ``text`` as one value of at most ``limit`` bytes, with an ellipsis where it was cut.

    A backslash separates values in DICOM, and control characters are not allowed (PS3.5 section 6.1.3); they become
    a slash and a space.
    """
    printable = "".join(c if c.isprintable() else " " for c in text.replace("\\", "/"))
    clean = " ".join(printable.split())
    stored = clean.encode()
    if len(stored) <= limit:
        return clean
    return stored[: limit - len(CUT.encode())].decode(errors="ignore").rstrip() + CUT


def fitted_names(names: tuple[str, ...], limit: int = LONG_STRING) -> tuple[str, ...]:
    """Return the names fitted, none empty, and still all different."""
    taken: list[str] = []
    for name in names:
        candidate, number = fitted(name, limit) or "region", 2
        while candidate in taken:
            mark = f" ({number})"
            candidate, number = fitted(name, limit - len(mark)) + mark, number + 1
        taken.append(candidate)
    return tuple(taken)
