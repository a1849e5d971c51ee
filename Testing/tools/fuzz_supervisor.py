"""Runs a fuzz tool's work in a process of its own, so that a crash or a hang of a reader is counted, not suffered.

The tool takes ``--work FIRST LAST --folder FOLDER --seed N --only PART [--keep FOLDER]`` and prints a JSON line before
(``number``, ``kind``) and after (``outcome``, ``seconds``, ``bytes``) every mutation.
"""

from __future__ import annotations

import collections
import json
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_SECONDS = 10.0


class Worker:
    """A process that reads mutations, ended when one takes too long."""

    def __init__(self, tool: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
        """Start ``tool`` at mutation ``first``."""
        self.folder = Path(tempfile.mkdtemp(prefix="pcrcest-fuzz-"))
        command = [sys.executable, str(tool), "--work", str(first), str(last), "--folder", str(self.folder)]
        command += ["--seed", str(seed), "--only", only, *([] if keep is None else ["--keep", str(keep)])]
        self.errors = (self.folder / "stderr.txt").open("w+b")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)
        self._rest = b""

    def line(self, seconds: float) -> dict[str, Any] | None:
        """Next line, None at the end; `TimeoutError` when it does not come."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._rest:
            if not select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                raise TimeoutError
            more = self.process.stdout.read(65536)
            if not more:
                return None
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        return dict(json.loads(line))

    def close(self) -> str:
        """End it; return what it printed as errors."""
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        printed = self.errors.read().decode(errors="replace").strip()
        self.errors.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return printed


@dataclass
class Tally:
    """What was seen so far."""

    outcomes: dict[str, collections.Counter[str]]
    bad: list[str]
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    def count(self, number: int, kind: str, outcome: str) -> None:
        """Count one ending."""
        self.outcomes[kind]["BAD" if outcome.startswith("BAD") else outcome] += 1
        if outcome.startswith("BAD"):
            self.bad.append(f"{number} {kind}: {outcome}")


def supervise(tool: Path, only: str, mutations: int, seed: int, keep: Path | None) -> Tally:
    """Read all mutations, starting a new process after one that died."""
    tally = Tally(collections.defaultdict(collections.Counter), [])
    number = 0
    while number < mutations:
        worker = Worker(tool, only, number, mutations, seed, keep)
        asked: dict[str, Any] | None = None
        try:
            while (asked := worker.line(120.0)) is not None:
                number = asked["number"] + 1
                told = worker.line(MOST_SECONDS)
                if told is None:
                    break
                tally.count(asked["number"], asked["kind"], told["outcome"])
                name = f"{asked['number']} {asked['kind']}"
                tally.slowest = max(tally.slowest, (told["seconds"], name))
                tally.largest = max(tally.largest, (told["bytes"], name))
                asked = None
            died = asked is not None
            ending = "BAD: the process died"
        except TimeoutError:
            died, ending = True, f"BAD: more than {MOST_SECONDS:g} s"
        if died and asked is not None:
            if keep is not None:
                damaged, kept = worker.folder / asked["kind"], keep / f"{asked['number']}-{asked['kind']}"
                (shutil.copytree if damaged.is_dir() else shutil.copyfile)(damaged, kept)
            tally.count(asked["number"], asked["kind"], ending)
        printed = worker.close()
        if printed:
            tally.bad.append(f"up to {number}: printed {printed[-600:]!r}")
        if not died and number < mutations:
            raise RuntimeError(f"the worker ended early: {printed[-600:]}")
    return tally


def report(tally: Tally) -> str:
    """The counts as a table."""
    names = sorted({name for counter in tally.outcomes.values() for name in counter})
    lines = [" ".join([f"{'':24}", *(f"{name:>14}" for name in names)])]
    for kind, counter in sorted(tally.outcomes.items()):
        lines.append(" ".join([f"{kind:24}", *(f"{counter[name]:14d}" for name in names)]))
    total = sum(sum(counter.values()) for counter in tally.outcomes.values())
    lines += [
        f"{total} mutations, {len(tally.bad)} bad",
        f"slowest {tally.slowest[0]:.2f} s ({tally.slowest[1]})",
        f"most memory {tally.largest[0] / 2**20:.1f} MiB above the start of reading ({tally.largest[1]})",
    ]
    return "\n".join([*lines, *tally.bad[:40]])
