"""The folder of a viewer: only its user can read it, and it is gone in the end, whatever that end is."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX, LOCK = "pcrcest-view-", "lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a fresh folder; remove it, and first those of viewers that were killed, with the scans that lie there."""
    _remove_left_over(Path(tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        (Path(name) / LOCK).open("w") as lock,
    ):
        _lock(lock.fileno())
        yield Path(name)


def _remove_left_over(temporary: Path) -> None:
    for folder in temporary.glob(f"{PREFIX}*"):
        # Without a lock it is one that begins just now, or not ours to open.
        with contextlib.suppress(OSError), (folder / LOCK).open("r+") as lock:
            if not folder.is_symlink() and _lock(lock.fileno()):
                shutil.rmtree(folder, ignore_errors=True)


def _lock(descriptor: int) -> bool:
    """Take a lock that ends with this process, in whatever container others run; False when another has it."""
    if os.name != "posix":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
