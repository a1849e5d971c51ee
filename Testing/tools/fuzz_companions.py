"""Damage the scans that companion maps are made from and see that each is read or refused with a sentence.

Run ``python Testing/tools/fuzz_companions.py --mutations 20000`` (Linux). Bruker scans and DICOM series of several
times and echoes are read in turn as magnitudes, phases and ready maps, and their checksums taken. It prints how the
readings ended, the slowest and the one with the highest memory, and ends with 1 when one crashed, hung for 10 s,
raised another error than the library's own, or took more memory than 3 times the scan and 16 MiB. ``--keep FOLDER``
keeps such scans; the same ``--seed`` makes the same damage.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path
from typing import get_args

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING.parent)]

import dicom_samples as samples  # noqa: E402
import numpy as np  # noqa: E402
from bruker_scans import contents, damage  # noqa: E402
from companion_scans import GRID, TIMES_S, bruker, dependent, inversion, numbers  # noqa: E402
from fuzz_dicom import damaged  # noqa: E402
from fuzz_worker import ending, limit_memory, run, watch  # noqa: E402

from PCrCESTLib.checksums import input_checksum  # noqa: E402
from PCrCESTLib.errors import PCrCESTError  # noqa: E402
from PCrCESTLib.readers.image_series import read_image_series  # noqa: E402
from PCrCESTLib.readers.source_images import Component  # noqa: E402

COMPONENTS = get_args(Component)
TI_MS = [1000 * t for t in TIMES_S]
SHORT = inversion(TIMES_S[:3])


def bruker_scans(root: Path) -> dict[str, Path]:
    """One small scan of each kind."""
    fair = [(4, "FG_MOVIE"), (2, "FG_IRMODE")]
    comments = "( 2, 65 )\n<Selective Inversion> <Non-selective Inversion>"
    times = numbers(TI_MS[:4])
    return {
        "bruker times": bruker(root / "ir" / "1", inversion(), visu=dependent("VisuAcqInversionTime", TI_MS, 8)),
        "bruker fair": bruker(
            root / "fair" / "1", inversion(), fair,
            method={"PVM_FairTIR_Arr": times, "MultiRepTime": times}, visu={"VisuFGElemComment": comments},
        ),
        "bruker echoes": bruker(
            root / "echoes" / "1", SHORT[:2], [(2, "FG_ECHO")],
            visu={"VisuCoreFrameType": None} | dependent("VisuAcqEchoTime", [3.0, 4.5], 2, "FG_ECHO"),
        ),
    }  # fmt: skip


def dicom_series(root: Path) -> dict[str, Path]:
    """One small series, or several, of each kind in a folder of its own."""
    stored = np.round(SHORT).astype(np.int16)
    uids = [samples.generate_uid() for _ in TI_MS]
    for i, volume in enumerate(stored):
        for z, pixels in enumerate(volume):
            for kind, uid in (("one", uids[0]), ("each", uids[i])):
                dataset = samples.image(
                    pixels, uid, SeriesNumber=3, AcquisitionNumber=i + 1, InstanceNumber=2 * i + z + 1,
                    InversionTime=TI_MS[i], FlipAngle=10, RescaleSlope=2, RescaleIntercept=-4096,
                )  # fmt: skip
                if kind == "each":
                    dataset.ImageType = ["ORIGINAL", "PRIMARY", "P"]
                samples.write(samples.place(dataset, GRID, z), root / kind / f"{i}{z}")
    samples.write(samples.enhanced(stored, GRID), root / "enhanced" / "a.dcm")
    return {f"dicom {kind}": root / kind for kind in ("one", "each", "enhanced")}


def read(path: Path, component: Component) -> None:
    """Read the images; a sentence names the scan."""
    try:
        input_checksum(path)
        read_image_series([path], component)
    except PCrCESTError as error:
        if str(path) not in str(error):
            raise RuntimeError(f"no word about the file: {error}") from error
        raise


def work(folder: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
    """Read mutations ``first`` to ``last``."""
    bruker_folders, dicom_folders = bruker_scans(folder / "bruker"), dicom_series(folder / "dicom")
    scans = {kind: path for kind, path in (bruker_folders | dicom_folders).items() if only in kind}
    intact = {kind: contents(path) for kind, path in scans.items() if kind in bruker_folders}
    for path in scans.values():
        for component in COMPONENTS:
            ending(partial(read, path, component))  # what imports take once does not count
    limit_memory()
    for number in range(first, last):
        rng = random.Random(f"{seed} {number}")
        kind = sorted(scans)[number % len(scans)]
        component = COMPONENTS[number // len(scans) % len(COMPONENTS)]
        path, file, original = scans[kind], None, b""
        if kind in intact:
            damage(path, intact[kind], rng)
        else:
            file = rng.choice(sorted(path.iterdir()))
            original = file.read_bytes()
            file.write_bytes(damaged(original, rng))
        n_bytes = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
        watch(number, kind, path, n_bytes, partial(read, path, component), keep)
        if file is not None:
            file.write_bytes(original)


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, work))
