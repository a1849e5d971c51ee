"""Damage Bruker scans and see that each is listed, and read or refused with a sentence.

Run ``python Testing/tools/fuzz_bruker.py --mutations 20000`` (Linux; about twenty minutes). It prints how the readings
ended, the slowest and the one with the highest memory, and ends with 1 when one crashed, hung for 10 s, raised another
error than the library's own, or took more memory than 3 times the scan and 16 MiB. ``--keep FOLDER`` keeps such scans;
the same ``--seed`` makes the same damage.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING.parent)]

from bruker_scans import STYLES, contents, damage, images_of, write_scan  # noqa: E402
from fuzz_worker import limit_memory, run, watch  # noqa: E402

from PCrCESTLib.errors import PCrCESTError  # noqa: E402
from PCrCESTLib.readers import read_series  # noqa: E402
from PCrCESTLib.readers.study import list_study  # noqa: E402

SLICES = {"groups": [(3, "FG_SLICE"), (6, "FG_CYCLE")], "positions": [(-4, -5, 3.0 * k) for k in range(3)]}
LAYOUTS = {
    "one slice": {},
    "slices": {"images": images_of(18, 6, 4), **SLICES},
    "3D": {"images": images_of(6, 3, 6, 4)},
}


def work(folder: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
    """Read mutations ``first`` to ``last``."""
    intact = {}
    for style in STYLES:
        for name, layout in LAYOUTS.items():
            if only in (kind := f"{style} {name}"):
                intact[kind] = contents(write_scan(folder / kind / "1", style, **layout))
                list_and_read(folder / kind)
    limit_memory()
    for number in range(first, last):
        kind = sorted(intact)[number % len(intact)]
        study = folder / kind
        damage(study / "1", intact[kind], random.Random(f"{seed}/{number}"))
        n_bytes = sum(p.stat().st_size for p in study.rglob("*") if p.is_file())
        watch(number, kind, study, n_bytes, partial(list_and_read, study), keep)


def list_and_read(study: Path) -> None:
    """List the scans of a study, then read the first; a sentence names the study."""
    list_study(study)
    try:
        read_series(study / "1")
    except PCrCESTError as error:
        if str(study) not in str(error):
            raise RuntimeError(f"no word about the file: {error}") from error
        raise


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, work))
