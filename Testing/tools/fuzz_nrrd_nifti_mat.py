"""Damage files of every kind that the readers take and see that each is read or refused with a sentence.

Run ``python Testing/tools/fuzz_nrrd_nifti_mat.py --mutations 20000`` (Linux: it reads memory from /proc). It prints how
the readings ended per kind of file, the slowest and the one with the highest memory, and ends with 1 when one crashed,
raised another error than the library's own, took more than 10 s, or more memory than 3 times the (unpacked) file and
16 MiB. Such files are kept with ``--keep FOLDER``; the same ``--seed`` makes the same files.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import SimpleITK as sitk
from fuzz_worker import limit_memory, run, watch

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol_json import load_protocol, protocol_from_dict
from PCrCESTLib.readers import read_map, read_rois, read_series

GRID = Geometry((24, 20, 4), (1.0, 1.25, 3.0), (-12.5, 30.0, 7.0), (1, 0, 0, 0, 0.8, -0.6, 0, 0.6, 0.8))
OFFSETS = [100.0, *np.linspace(-4, 4, 11).tolist()]
PROTOCOL: dict[str, Any] = {
    "MagneticFieldStrength": 3.0,
    "SaturationOffsets": OFFSETS,
    "SaturationOffsetsUnits": "ppm",
    "SaturationB1": 0.6,
    "SaturationType": "pulsed",
    "SaturationPulseShape": "gaussian",
    "SaturationPulseDuration": 0.05,
    "SaturationPulseCount": 20,
    "ReferenceFrames": [0],
}
EXTREMES = [
    b"-1", b"0", b"1e308", b"-1e400", b"NaN", b"Infinity", b"9" * 30, b"null", b'"x"', b"none",
    b"[]", b"{}", b"[" * 3000, b"true", b"%00", b"65536", b"4294967295",
]  # fmt: skip


VALUES = [
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**400, "", "Hz", [], {}, [None], [[1.0]], [1e-9] * 12,
    [0.5], ["a"], [-1], [10**400] * 12, list(range(100_000)), "x" * 100_000,
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, its bytes, what reads it, and whether it is packed after the damage."""

    name: str
    content: bytes
    read: Callable[[Path], object]
    pack: bool = False

    @property
    def unpacked_bytes(self) -> int:
        """Size of the undamaged content, unpacked."""
        if self.content.startswith(b"\x1f\x8b"):
            return len(gzip.decompress(self.content))
        return max(len(self.content), UNPACKED if "packed" in self.name else 0)


UNPACKED = len(OFFSETS) * int(np.prod(GRID.size)) * 8


def kinds(folder: Path) -> list[Kind]:
    """One good file of each kind."""
    rng = np.random.default_rng(1)
    frames = rng.uniform(1, 100, (len(OFFSETS), *GRID.shape)).astype(np.float32)
    protocol = protocol_from_dict(PROTOCOL)

    def series(path: Path) -> object:
        return read_series(path, protocol)

    def own(path: Path) -> object:
        return read_series(path)

    def r1(path: Path) -> object:
        return read_map(path, "r1", GRID)

    def rois(path: Path) -> object:
        return read_rois(path, GRID)

    def sidecar(path: Path) -> object:
        shutil.copyfile(path, folder / "beside.json")
        return read_series(folder / "beside.nii")

    def written(name: str, image: sitk.Image, compressed: bool = False) -> bytes:
        sitk.WriteImage(image, str(folder / name), useCompression=compressed)
        return (folder / name).read_bytes()

    def saved(name: str, **how: Any) -> bytes:
        arrays = {
            "image": frames.transpose(2, 3, 1, 0),
            "Freq": np.array(OFFSETS),
            "Mask": np.ones((20, 24, 4)),
        }
        scipy.io.savemat(folder / name, arrays, **how)
        return (folder / name).read_bytes()

    nifti = written("beside.nii", GRID.to_image(frames))
    labels = GRID.to_image((frames[0] % 3).astype(np.uint8))
    for key, value in {"Segment0_Name": "a", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}.items():
        labels.SetMetaData(key, value)
    map_image = GRID.to_image(np.full(GRID.shape, 0.6, np.float32))
    short = written("short.nii", GRID.to_image(frames.astype(np.int16)))
    scanner = {"MagneticFieldStrength": 3, "ImagingFrequency": 127.7, "ImageType": ["M"], "EchoTime": 0.002}
    return [
        Kind("series.nii", nifti, series),
        Kind("short.nii", short, series),
        Kind("series.nii.gz", gzip.compress(nifti), series),
        Kind("repacked.nii.gz", nifti, series, pack=True),
        Kind("r1.nii", written("r1.nii", map_image), r1),
        Kind("plain.seq.nrrd", sequence(frames, "raw"), own),
        Kind("packed.seq.nrrd", sequence(frames, "gzip"), own),
        Kind("labels.seg.nrrd", written("labels.seg.nrrd", labels), rois),
        Kind("packed_labels.seg.nrrd", written("packed.seg.nrrd", labels, compressed=True), rois),
        Kind("plain.mat", saved("plain.mat"), series),
        Kind("packed.mat", saved("packed.mat", do_compression=True), series),
        *hdf5(folder, frames, series),
        Kind("protocol.json", json.dumps(PROTOCOL).encode(), load_protocol),
        Kind("scanner.json", json.dumps(PROTOCOL | scanner).encode(), sidecar),
    ]


def sequence(frames: np.ndarray, encoding: str) -> bytes:
    """A file as Slicer writes a sequence."""
    header = (
        "NRRD0004\n# comment\ntype: float\ndimension: 4\nspace: left-posterior-superior\nsizes: 24 20 4 12\n"
        "space directions: (1,0,0) (0,1,0.75) (0,-1.8,2.4) none\nkinds: domain domain domain list\n"
        f'labels: "" "" "" "offset"\nunits: "" "" "" "ppm"\nendian: little\nencoding: {encoding}\n'
        f"space origin: (-12.5,30,7)\nPCrCEST.Protocol:={json.dumps(PROTOCOL)}\naxis 3 index type:=text\n"
        f"axis 3 index values:={' '.join(map(str, OFFSETS))}\n\n"
    )
    voxels = frames.tobytes()
    return header.encode() + (gzip.compress(voxels) if encoding == "gzip" else voxels)


def hdf5(folder: Path, frames: np.ndarray, read: Callable[[Path], object]) -> list[Kind]:
    """The MATLAB v7.3 file, where h5py is installed."""
    try:
        import h5py
    except ImportError:
        return []
    with h5py.File(folder / "v73.mat", "w", userblock_size=512) as file:
        file.create_dataset(
            "image", data=frames.transpose(0, 1, 3, 2).astype(float), chunks=True, compression="gzip"
        )
        file["image"].attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("Freq", data=np.array(OFFSETS)[:, None])
    content = (folder / "v73.mat").read_bytes()
    return [Kind("packed_v73.mat", b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + content[128:], read)]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Do one to six kinds of damage, mostly where headers are."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 6))):
        reach = min(len(data), rng.choice((200, 600, 600, 4000, len(data))))
        at = rng.randrange(max(reach, 1))
        how = rng.randrange(9)
        if how == 0:
            data[at : at + 1] = rng.randbytes(1)
        elif how == 1:
            data[at : at + 4] = bytes(rng.choice((0, 1, 127, 128, 255)) for _ in range(4))
        elif how == 2:
            del data[at : at + rng.randrange(1, 20)]
        elif how == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 20))
        elif how == 4 and rng.random() < 0.5:
            del data[rng.randrange(len(data) + 1) :]
        elif how == 5 and data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif how == 6:
            other = rng.randrange(max(reach, 1))
            data[at : at + 16] = data[other : other + 16]
        else:
            _replace_word(data, at, rng)
    return bytes(data)


def damaged_values(content: bytes, rng: random.Random) -> bytes:
    """Give some keys of a JSON object other values, or none."""
    document = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        key = rng.choice(sorted(document) or ["Normalized"])
        if rng.random() < 0.2:
            document.pop(key, None)
        else:
            document[key] = rng.choice(VALUES)
    return json.dumps(document).encode()


def _replace_word(data: bytearray, at: int, rng: random.Random) -> None:
    """Put something extreme in place of the word after ``at``, as text formats have words."""
    head = bytes(data[at : at + 80])
    marks = [i for i, byte in enumerate(head) if byte in b' ,:[]{}()"\n'] or [0, min(8, len(head))]
    start = marks[0]
    end = marks[1] if len(marks) > 1 else len(head)
    data[at + start + 1 : at + end] = rng.choice(EXTREMES)


def work(folder: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
    """Read mutations ``first`` to ``last``."""
    every = [kind for kind in kinds(folder) if only in kind.name]
    for kind in every:  # what imports and buffers take once does not count
        path = folder / kind.name
        path.write_bytes(gzip.compress(kind.content) if kind.pack else kind.content)
        kind.read(path)
    limit_memory()
    for number in range(first, last):
        kind = every[number % len(every)]
        rng = random.Random(f"{seed} {number}")
        by_value = kind.name.endswith(".json") and rng.random() < 0.7
        content = (damaged_values if by_value else damaged)(kind.content, rng)
        path = folder / kind.name
        path.write_bytes(gzip.compress(content, 1) if kind.pack else content)
        n_bytes = max(len(content), kind.unpacked_bytes)
        watch(number, kind.name, path, n_bytes, partial(kind.read, path), keep)


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, work))
