"""Worker processes that misbehave on scans of certain subjects, whether the batch or Dask starts them."""

from __future__ import annotations

from pathlib import Path

# Python imports this at its start; only workers, which are spawned, do as it says.
START = '''
import sys
if "--multiprocessing-fork" in sys.orig_argv:
    import os, pathlib, signal, time
    from PCrCESTLib.commands import quantify
    really = quantify.run

    def run(args):
        if "sub-deadly" in args.out.name:
            (args.out / "half").write_text("a part of a result")
            os.kill(os.getpid(), signal.SIGKILL)
        if "sub-once" in args.out.name and not pathlib.Path(GO).exists():
            pathlib.Path(GO).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "sub-odd" in args.out.name:
            raise ZeroDivisionError("nobody thought of this")
        while "sub-slow" in args.out.name and not pathlib.Path(GO).exists():
            time.sleep(0.02)
        return really(args)

    quantify.run = run
'''


def mischief(folder: Path) -> tuple[Path, Path]:
    """Return a folder that workers are to import from first, and the file that lets the scan ``slow`` go on.

    The scan ``deadly`` kills its worker when a part of it is written, ``once`` only the first time, and ``odd`` raises
    what no one expects.
    """
    place, go = folder / "mischief", folder / "go"
    place.mkdir()
    text = START.replace("GO", repr(str(go)))
    (place / "sitecustomize.py").write_text(text, encoding="utf-8")
    return place, go
