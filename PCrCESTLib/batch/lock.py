"""One process at a time works on a scan, on this computer or on others that share the disk.

The lock is a file that only one process can create (``O_EXCL``). Its owner touches it every second. A process that dies
leaves it; whoever finds it silent takes it over. Should an owner only have slept, it finds the lock lost and gives up.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from PCrCESTLib.errors import PCrCESTError

BEAT_S, WAIT_S = 1.0, 0.05
# An owner whose process is gone, and one that cannot be asked because it runs elsewhere.
SILENT_HERE_S, SILENT_ELSEWHERE_S = 3.0, 120.0


class HeldError(PCrCESTError):
    """Another process has the lock."""


class LostError(PCrCESTError):
    """Another process has taken the lock over."""


class Lock:
    """A lock on one scan, for a ``with`` statement.

    Parameters
    ----------
    path : Path
        The file.
    run : str
        Which batch asks. `deaths` counts the owners of the same batch that died holding it.

    Raises
    ------
    HeldError
        On entering, when another process has it.
    """

    def __init__(self, path: Path, run: str) -> None:
        """Take nothing yet."""
        self.path = path
        self._run = run
        self._owner = uuid.uuid4().hex
        self._stop = threading.Event()
        self.deaths = 0

    def __enter__(self) -> Lock:
        """Take the lock, from a dead owner if need be."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._create():
            self._remove_silent()
            if not self._create():
                raise HeldError(f"another process works on it ({self.path})")
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back, unless it was lost."""
        self._stop.set()
        self._thread.join()
        if self._is_own():
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise `LostError` unless it is still this owner's."""
        if not self._is_own():
            raise LostError(f"another process took the scan over ({self.path})")

    def _create(self) -> bool:
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        facts = {"owner": self._owner, "run": self._run, "deaths": self.deaths}
        with os.fdopen(descriptor, "w") as stream:
            json.dump(facts | here(), stream)
        return True

    def _remove_silent(self) -> None:
        seen = _read(self.path)
        if seen is None or not _is_silent(self.path, seen):
            return
        if seen.get("run") == self._run:
            self.deaths = int(seen.get("deaths", 0)) + 1
        # Only one of several that saw it silent can move it, and it may then be the lock of one that was quicker.
        aside = self.path.with_name(f"{self.path.name}.{self._owner}")
        with contextlib.suppress(OSError):
            self.path.rename(aside)
            if _read(aside) != seen and not self.path.exists():
                aside.rename(self.path)
        aside.unlink(missing_ok=True)

    def _is_own(self) -> bool:
        return (_read(self.path) or {}).get("owner") == self._owner

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            with contextlib.suppress(OSError):  # lost, or the disk is away: `check` tells
                os.utime(self.path)


@contextlib.contextmanager
def waited_lock(path: Path, seconds: float = float("inf")) -> Iterator[None]:
    """Hold a lock that others hold for milliseconds: wait for them, or, when they died, until they are silent.

    Raises
    ------
    HeldError
        When somebody has it after so many ``seconds``.
    """
    latest = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(Lock(path, ""))
                break
            except HeldError:
                if time.monotonic() > latest:
                    raise
                time.sleep(WAIT_S)
        yield


def here() -> dict[str, Any]:
    """Facts by which `is_gone` knows this process."""
    return {"host": socket.gethostname(), "pid": os.getpid()}


def is_gone(facts: dict[str, Any]) -> bool:
    """Whether a process is known to have ended; one of another computer is not."""
    return facts.get("host") == socket.gethostname() and not _runs(facts.get("pid"))


def _read(path: Path) -> dict[str, Any] | None:
    """Content of a lock; an empty dict while its owner has not written it yet, None when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_silent(path: Path, seen: dict[str, Any]) -> bool:
    try:
        return _age_s(path) > (SILENT_HERE_S if is_gone(seen) else SILENT_ELSEWHERE_S)
    except OSError:
        return False


def _age_s(path: Path) -> float:
    """Time since a file was touched, by the clock of its disk: those of two computers may differ."""
    with _probe(path) as probe:
        return probe.stat().st_mtime - path.stat().st_mtime


@contextlib.contextmanager
def _probe(path: Path) -> Iterator[Path]:
    probe = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        probe.touch()
        yield probe
    finally:
        probe.unlink(missing_ok=True)


def _runs(pid: object) -> bool:
    """Whether a process of this computer still runs; True when that cannot be known."""
    if os.name != "posix" or not isinstance(pid, int):
        return True  # on Windows, signal 0 is no question
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    with contextlib.suppress(OSError, IndexError):
        # Killed, but not yet collected by its parent.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True
