"""Damage DICOM files at random and read them: every outcome is a series or one sentence of the error family.

Run ``python Testing/tools/fuzz_dicom.py 20000 --seed 1``. Prints how often each outcome came, the slowest file and
the peak of memory beside the size of the file; exits with 1 when something else happened.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "Testing" / "lib" / "readers")]

import dicom_samples as samples  # noqa: E402
import numpy as np  # noqa: E402
from pydicom.uid import ImplicitVRLittleEndian, RLELossless  # noqa: E402

from PCrCESTLib.errors import PCrCESTError  # noqa: E402
from PCrCESTLib.geometry import Geometry  # noqa: E402
from PCrCESTLib.protocol import Protocol  # noqa: E402
from PCrCESTLib.readers import read_series  # noqa: E402
from PCrCESTLib.saturation import Saturation  # noqa: E402

N_IMAGES = 3
GRID = Geometry((4, 5, 2), (1.0, 1.25, 3.0), (-12.0, 30.0, 7.0))
PROTOCOL = Protocol(3.0, (100.0, 1.0, 2.6), (0.6,) * N_IMAGES, Saturation(2.0), (0,))
SLOW_SECONDS = 5.0
ROOM_BYTES = 8 << 20  # for parsing, beside three times the file
TRACED = 10  # tracing memory makes reading three times slower, so only every tenth file is traced
# What a length or a count may be changed to.
NUMBERS = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


def folders(root: Path) -> dict[str, Path]:
    """One small scan of each style in a folder of its own."""
    frames = np.arange(1, N_IMAGES * 40 + 1, dtype=np.uint16).reshape(N_IMAGES, *GRID.shape)
    slices = frames[:, :1]
    samples.write_classic(root / "classic", slices, GRID)
    samples.write(samples.enhanced(frames, GRID), root / "enhanced" / "a.dcm")
    uid = "1.2.3"
    for t, volume in enumerate(frames):
        dataset = samples.mosaic(volume, GRID, uid, AcquisitionNumber=t + 1, InstanceNumber=t + 1)
        samples.add_siemens_protocol(
            dataset, {"tSequenceFileName": '"x_cest_rev1485"', "sWipMemBlock.alFree[7]": 1}
        )
        samples.write(dataset, root / "mosaic" / f"{t}.dcm")
    for t, pixels in enumerate(slices[:, 0]):
        dataset = samples.place(samples.image(pixels, "1.2.4", AcquisitionNumber=t + 1), GRID, 0)
        dataset.compress(RLELossless, generate_instance_uid=False)
        samples.write(dataset, root / "rle" / f"{t}.dcm")
    samples.write_classic(root / "implicit", slices, GRID, syntax=ImplicitVRLittleEndian)
    return {folder.name: folder for folder in sorted(root.iterdir())}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Flip, overwrite, insert, delete, double or cut off a few bytes, or set a number to an extreme."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 6))):
        at = rng.randrange(max(len(data), 1))
        kind = rng.randrange(7)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            at -= at % 2  # elements begin at even bytes
            data[at : at + 4] = rng.choice(NUMBERS).to_bytes(4, "little")
        elif kind == 2:
            data[at : at + 2] = (rng.choice(NUMBERS) & 0xFFFF).to_bytes(2, "little")
        elif kind == 3:
            del data[at : at + rng.randrange(1, 40)]
        elif kind == 4:
            data[at:at] = data[at : at + rng.randrange(1, 400)]
        elif kind == 5:
            del data[rng.randrange(len(data) + 1) :]
        elif data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
    return bytes(data)


def outcome(folder: Path) -> str:
    """Read a folder; what came of it, in one word, or the first line of what should not have come."""
    try:
        series = read_series(folder, PROTOCOL)
    except PCrCESTError as error:
        text = str(error)
        return (
            type(error).__name__
            if text.startswith(str(folder)) and "\n" not in text
            else f"BAD TEXT {text!r}"
        )
    except BaseException as error:
        return f"ESCAPED {type(error).__name__}: {error}"
    return "series" if series.data.dtype == np.float32 else "BAD TYPE"


def main() -> int:
    """Count outcomes; 1 when one is neither a series nor a sentence, too slow, or takes too much memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mutations", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    counts: Counter[str] = Counter()
    slowest, peak, size_at_peak = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        scans = folders(Path(temporary))
        for number in range(arguments.mutations):
            folder = scans[rng.choice(sorted(scans))]
            path = rng.choice(sorted(folder.iterdir()))
            original = path.read_bytes()
            path.write_bytes(damaged(original, rng))
            n_bytes = sum(p.stat().st_size for p in folder.iterdir())
            if number % TRACED == 0:
                tracemalloc.start()
            started = time.perf_counter()
            counts[outcome(folder)] += 1
            seconds = time.perf_counter() - started
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            slowest = max(slowest, seconds)
            if used > peak:
                peak, size_at_peak = used, n_bytes
            if seconds > SLOW_SECONDS or used > 3 * n_bytes + ROOM_BYTES:
                counts[f"COSTLY: mutation {number} of {path.name}, {seconds:.1f} s, {used} bytes"] += 1
            path.write_bytes(original)
    for name, count in counts.most_common():
        sys.stdout.write(f"{count:8d} {name}\n")
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(
        f"slowest {slowest:.2f} s, peak {peak / 1e3:.0f} kB for a scan of {size_at_peak / 1e3:.0f} kB;"
        f" the whole process at most {resident:.0f} MB\n"
    )
    good = {"series", "ReaderError", "GeometryError", "ProtocolError"}
    return int(bool(set(counts) - good))


if __name__ == "__main__":
    sys.exit(main())
