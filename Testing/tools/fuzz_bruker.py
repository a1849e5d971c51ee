"""Read damaged Bruker scans by the thousand and count what comes of it.

Run ``python Testing/tools/fuzz_bruker.py [COUNT] [SEED]`` (20 000 by default, about ten minutes). Anything but a result
or a sentence of ``PCrCESTError`` is an escape: it is printed with the number that makes it again, and ends with code 1.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING.parent)]

from bruker_scans import STYLES, contents, damage, images_of, write_scan  # noqa: E402

from PCrCESTLib.errors import PCrCESTError  # noqa: E402
from PCrCESTLib.readers import read_series  # noqa: E402
from PCrCESTLib.readers.bruker.study import list_scans  # noqa: E402

SLICES = {"groups": [(3, "FG_SLICE"), (6, "FG_CYCLE")], "positions": [(-4, -5, 3.0 * k) for k in range(3)]}


def fuzz(count: int, seed: int, root: Path) -> tuple[Counter[str], float, int]:
    """Outcomes by name, the slowest mutation in s, and how many escaped."""
    intact = []
    for style in STYLES:
        intact.append(contents(write_scan(root / "1", style)))
        intact.append(contents(write_scan(root / "1", style, images_of(18, 6, 4), **SLICES)))
        intact.append(contents(write_scan(root / "1", style, images_of(6, 3, 6, 4))))
    outcomes: Counter[str] = Counter()
    slowest, escaped = 0.0, 0
    for number in range(count):
        damage(root / "1", intact[number % len(intact)], random.Random(f"{seed}/{number}"))
        started = time.perf_counter()
        try:
            kinds = [scan.kind for scan in list_scans(root)]
            outcomes[f"listed as {kinds[0]}"] += 1
            read_series(root / "1")
            outcomes["read"] += 1
        except PCrCESTError as error:
            outcomes[type(error).__name__] += 1
            if "\n" in str(error) or str(root) not in str(error):
                escaped += 1
                sys.stdout.write(f"mutation {number} of seed {seed}: no sentence about the file: {error}\n")
        except Exception:  # the very thing looked for
            escaped += 1
            sys.stdout.write(f"mutation {number} of seed {seed} escaped:\n{traceback.format_exc()}\n")
        slowest = max(slowest, time.perf_counter() - started)
    return outcomes, slowest, escaped


def main() -> int:
    given = [int(word) for word in sys.argv[1:3]]
    count, seed = [*given, *(20_000, 1)[len(given) :]]
    with tempfile.TemporaryDirectory() as folder:
        outcomes, slowest, escaped = fuzz(count, seed, Path(folder))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, n in outcomes.most_common():
        sys.stdout.write(f"{n:8d} {name}\n")
    sys.stdout.write(
        f"{count} mutations, slowest {slowest:.3f} s, peak memory {peak_mib:.0f} MiB, {escaped} escaped\n"
    )
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
