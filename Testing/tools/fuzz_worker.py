"""What the processes that read damaged files share: the lines they print, and how they measure time and memory.

The supervisor (``fuzz_supervisor``) starts them and ends one that hangs. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fuzz_supervisor import report, supervise

from PCrCESTLib.errors import PCrCESTError

LONGEST_SENTENCE = 1000
MOST_TIMES, SPARE_BYTES = 3, 16 << 20
ADDRESS_SPACE_BYTES = 2 << 30  # above what the process has: what asks for more believed a lying header

Work = Callable[[Path, str, int, int, int, "Path | None"], None]


def memory(field: str) -> int:
    """Bytes of this process by /proc."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def limit_memory() -> None:
    """Refuse what only a lying header can ask for; call it after everything was imported and read once."""
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + ADDRESS_SPACE_BYTES,) * 2)


def watch(
    number: int, kind: str, path: Path, n_bytes: int, read: Callable[[], object], keep: Path | None
) -> None:
    """Read one damaged file or folder, with a line before and after it.

    Parameters
    ----------
    number : int
        Of the mutation.
    kind : str
        Name of ``path``, for the table.
    path : Path
        What was damaged.
    n_bytes : int
        Its size, unpacked; memory of more than three times that (and 16 MiB) is bad.
    read : callable
        Reads it.
    keep : Path, optional
        Folder for what ended badly.
    """
    print(json.dumps({"number": number, "kind": kind}), flush=True)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, started = memory("VmRSS"), time.monotonic()
    outcome = ending(read)
    seconds, used = time.monotonic() - started, memory("VmHWM") - before
    if used > MOST_TIMES * n_bytes + SPARE_BYTES:
        outcome = f"BAD: {used >> 20} MiB of memory ({outcome})"
    if outcome.startswith("BAD") and keep is not None:
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, keep / f"{number}-{kind}")
    print(json.dumps({"outcome": outcome, "seconds": seconds, "bytes": used}), flush=True)


def ending(read: Callable[[], object]) -> str:
    """How reading ends, in a word; ``BAD: …`` when it must not end so."""
    try:
        read()
    except PCrCESTError as error:
        text = str(error)
        if "fit into memory" in text:
            return "BAD: believed a size that the file cannot hold"
        if not 0 < len(text) < LONGEST_SENTENCE or "\n" in text or "itk::" in text or "Traceback" in text:
            return f"BAD: not a sentence: {text[:300]!r}"
        return type(error).__name__
    except BaseException as error:
        return f"BAD: {type(error).__name__}: {error}"
    return "read"


def run(tool: str, description: str | None, work: Work, arguments: list[str] | None = None) -> int:
    """Be the supervisor, or with ``--work`` one of its processes; return 1 when something bad was found."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", default="", metavar="PART", help="kinds with this in their name, such as nrrd"
    )
    parser.add_argument("--keep", type=Path, help="folder for what ended badly")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
    if args.work is not None:
        work(args.folder, args.only, *args.work, args.seed, args.keep)
        return 0
    tally = supervise(Path(tool), args.only, args.mutations, args.seed, args.keep)
    sys.stdout.write(report(tally) + "\n")
    return 1 if tally.bad else 0
