"""The processes that descend from one, and the memory that they hold: read from ``/proc``, so on Linux only."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from PCrCESTLib.job import KILL

PROC = Path("/proc")
MEMORY_IS_KNOWN = (PROC / "self" / "stat").exists()


class Process(NamedTuple):
    """A process; ``started`` (clock ticks since the boot) tells when its number was given to another."""

    pid: int
    parent: int
    started: int
    resident_bytes: int


def all_processes() -> dict[int, Process]:
    """Return what runs now by process number; empty where there is no ``/proc``."""
    if not MEMORY_IS_KNOWN:
        return {}
    found = (_process(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return {process.pid: process for process in found if process is not None}


def family(root: int, processes: Mapping[int, Process]) -> list[Process]:
    """Return the process ``root`` and all that descend from it, of ``processes``."""
    children: dict[int, list[Process]] = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process)
    found = [processes[root]] if root in processes else []
    for process in found:  # grows while it is walked
        found += children[process.pid]
    return found


def kill(processes: Iterable[Process]) -> None:
    """End those that still run; another process that got the number of one is left alone."""
    for process in processes:
        now = _process(process.pid)
        if now is not None and now.started == process.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, KILL)


def _process(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:  # it has ended, or there is no /proc
        return None
    # The name in parentheses may hold anything; man 5 proc counts its fields from 1, the state being the third.
    fields = text.rpartition(")")[2].split()
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    return Process(pid, int(fields[1]), int(fields[19]), int(fields[21]) * page_bytes)
