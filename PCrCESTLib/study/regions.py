"""Which muscle a region is, and of which leg, told from its name."""

from __future__ import annotations

import re

from PCrCESTLib.study.table import SIDES

_WORD = re.compile(r"(?:^|[\s_.-]+)(left|right)(?=$|[\s_.-])", re.IGNORECASE)
_LETTER = re.compile(r"^(.+)[\s_.-]+([LR])$")


def muscle_and_side(name: str) -> tuple[str, str]:
    """Split ``left tibialis anterior``, ``Gastrocnemius_R`` and the like into muscle and side ('' when unsaid).

    A region that is called after nothing but its side is the ``leg``.
    """
    word = _WORD.search(name)
    if word:
        rest = (name[: word.start()] + " " + name[word.end() :]).strip(" _.-")
        return rest or "leg", SIDES[word.group(1).lower()]
    letter = _LETTER.match(name)
    if letter:
        return letter.group(1), SIDES[letter.group(2).lower()]
    return name, ""
