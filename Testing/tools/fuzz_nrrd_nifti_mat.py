"""Damage files of every kind that the readers take and see that each is read or refused with a sentence.

Run ``python Testing/tools/fuzz_nrrd_nifti_mat.py --mutations 20000`` (Linux: it reads memory from /proc). It prints how
the readings ended per kind of file, the slowest and the one with the highest memory, and ends with 1 when one crashed,
raised another error than the library's own, took more than 10 s, or more memory than 3 times the (unpacked) file and
16 MiB. Such files are kept with ``--keep FOLDER``; the same ``--seed`` makes the same files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import SimpleITK as sitk
from fuzz_supervisor import report, supervise

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol_json import load_protocol, protocol_from_dict
from PCrCESTLib.readers import read_map, read_rois, read_series

LONGEST_SENTENCE = 1000
# The values of a JSON file take ten times their text in Python; such files are read up to 1 MiB.
MOST_TIMES, SPARE_BYTES = 3, 16 << 20
ADDRESS_SPACE_BYTES = 2 << 30  # above what the process has: what asks for more believed a lying header
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


def memory(field: str) -> int:
    """Bytes of this process by /proc."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def work(folder: Path, only: str, first: int, last: int, seed: int, keep: Path | None) -> None:
    """Read mutations ``first`` to ``last``, a JSON line before and after each."""
    every = [kind for kind in kinds(folder) if only in kind.name]
    for kind in every:  # what imports and buffers take once does not count
        path = folder / kind.name
        path.write_bytes(gzip.compress(kind.content) if kind.pack else kind.content)
        kind.read(path)
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + ADDRESS_SPACE_BYTES,) * 2)
    for number in range(first, last):
        kind = every[number % len(every)]
        rng = random.Random(f"{seed} {number}")
        by_value = kind.name.endswith(".json") and rng.random() < 0.7
        content = (damaged_values if by_value else damaged)(kind.content, rng)
        path = folder / kind.name
        path.write_bytes(gzip.compress(content, 1) if kind.pack else content)
        print(json.dumps({"number": number, "kind": kind.name}), flush=True)
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before, started = memory("VmRSS"), time.monotonic()
        outcome = read_one(kind, path)
        seconds, used = time.monotonic() - started, memory("VmHWM") - before
        allowed = MOST_TIMES * max(len(content), kind.unpacked_bytes) + SPARE_BYTES
        if used > allowed:
            outcome = f"BAD: {used >> 20} MiB of memory ({outcome})"
        if outcome.startswith("BAD") and keep is not None:
            shutil.copyfile(path, keep / f"{number}-{kind.name}")
        print(json.dumps({"outcome": outcome, "seconds": seconds, "bytes": used}), flush=True)


def read_one(kind: Kind, path: Path) -> str:
    """How reading ends, in a word; ``BAD: …`` when it must not end so."""
    try:
        kind.read(path)
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


def main(arguments: list[str] | None = None) -> int:
    """Fuzz; return 1 when something bad was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", default="", metavar="PART", help="kinds with this in their name, such as nrrd"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files that ended badly")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
    if args.work is not None:
        work(args.folder, args.only, *args.work, args.seed, args.keep)
        return 0
    tally = supervise(Path(__file__), args.only, args.mutations, args.seed, args.keep)
    print(report(tally))
    return 1 if tally.bad else 0


if __name__ == "__main__":
    sys.exit(main())
