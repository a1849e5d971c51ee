"""Keeps None, True and False alive on Python 3.11.

PySide6 6.12 takes them for immortal, as they are from Python 3.12 on, and drops a reference to None with
every call that returns nothing; after some ten thousand calls Python 3.11 ends with "deallocating None".
"""

from __future__ import annotations

import ctypes
import sys

MORTAL = sys.version_info < (3, 12)
SINGLES = (None, True, False, NotImplemented)
LOW, SPARE = 500_000, 1_000_000


def top_up() -> None:
    """Add references where few are left; costs next to nothing otherwise."""
    if not MORTAL:
        return
    for value in SINGLES:
        if sys.getrefcount(value) < LOW:
            spare = [value] * SPARE
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(spare))  # never freed
