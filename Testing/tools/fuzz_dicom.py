"""Damage DICOM files at random and see that each scan is listed, and read or refused with a sentence.

Run ``python Testing/tools/fuzz_dicom.py --mutations 20000`` (Linux). It prints how the readings ended for each kind of
scan, the slowest and the one with the highest memory, and ends with 1 when one crashed, hung for 10 s, raised another
error than the library's own, or took more memory than 3 times the scan and 16 MiB. ``--keep FOLDER`` keeps such scans;
the same ``--seed`` makes the same damage.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "Testing")]

import dicom_samples as samples  # noqa: E402
import numpy as np  # noqa: E402
from fuzz_worker import ending, limit_memory, run, watch  # noqa: E402
from pydicom.uid import ImplicitVRLittleEndian, RLELossless  # noqa: E402

from PCrCESTLib.errors import PCrCESTError  # noqa: E402
from PCrCESTLib.geometry import Geometry  # noqa: E402
from PCrCESTLib.protocol import Protocol  # noqa: E402
from PCrCESTLib.readers import read_series  # noqa: E402
from PCrCESTLib.readers.study import list_study  # noqa: E402
from PCrCESTLib.saturation import Saturation  # noqa: E402

N_IMAGES = 3
GRID = Geometry((4, 5, 2), (1.0, 1.25, 3.0), (-12.0, 30.0, 7.0))
PROTOCOL = Protocol(3.0, (100.0, 1.0, 2.6), (0.6,) * N_IMAGES, Saturation(2.0), (0,))
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
    samples.write_classic(root / "two series", slices, GRID, SeriesNumber=1, SeriesDescription="leg")
    m0 = {"SeriesNumber": 2, "SeriesDescription": "M0"}
    for path in samples.write_classic(root / "two series" / "x", slices[:1], GRID, **m0):
        path.rename(path.parent.parent / "M0")
    (root / "two series" / "x").rmdir()
    samples.write_classic(root / "implicit", slices, GRID, syntax=ImplicitVRLittleEndian)
    return {folder.name: folder for folder in sorted(root.iterdir()) if folder.is_dir()}


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


def list_and_read(folder: Path) -> None:
    """List the series of a folder, then read it; a sentence begins with the folder."""
    list_study(folder)
    try:
        series = read_series(folder, PROTOCOL)
    except PCrCESTError as error:
        if not str(error).startswith(str(folder)):
            raise RuntimeError(f"no word about the file: {error}") from error
        raise
    if series.data.dtype != np.float32:
        raise RuntimeError(f"intensities are {series.data.dtype}")


def work(folder: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
    """Read mutations ``first`` to ``last``."""
    scans = {name: path for name, path in folders(folder).items() if only in name}
    for path in scans.values():
        ending(partial(list_and_read, path))  # what imports take once does not count
    limit_memory()
    for number in range(first, last):
        rng = random.Random(f"{seed} {number}")
        kind = sorted(scans)[number % len(scans)]
        path = rng.choice(sorted(scans[kind].iterdir()))
        original = path.read_bytes()
        path.write_bytes(damaged(original, rng))
        n_bytes = sum(p.stat().st_size for p in scans[kind].iterdir())
        watch(number, kind, scans[kind], n_bytes, partial(list_and_read, scans[kind]), keep)
        path.write_bytes(original)


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, work))
