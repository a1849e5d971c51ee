"""Bad input gets one sentence that names the file, the fault and the remedy; exit code 2; nothing left behind.

Run ``pytest Testing/lib/pipeline/test_bad_inputs.py -s`` to read every sentence.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main

from .conftest import powers

Damage = Callable[[Path, list[str]], None]
CASES: dict[str, tuple[Damage, tuple[str, ...]]] = {}


def case(name: str, *words: str) -> Callable[[Damage], Damage]:
    """Register a way to spoil a good command; ``words`` must appear in the sentence."""

    def register(damage: Damage) -> Damage:
        CASES[name] = (damage, words)
        return damage

    return register


def sidecar(folder: Path) -> Path:
    return folder / "sub-sim_cest-0.5uT.json"


def image(folder: Path) -> Path:
    return folder / "sub-sim_cest-0.5uT.nii.gz"


def edit_protocol(folder: Path, **changes: Any) -> None:
    """Change keys of the first series' protocol file; None removes a key."""
    document = json.loads(sidecar(folder).read_text(encoding="utf-8"))
    for key, value in changes.items():
        document.pop(key, None)
        if value is not None:
            document[key] = value
    sidecar(folder).write_text(json.dumps(document), encoding="utf-8")


def edit_image(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the voxels (t, z, y, x) of the first series."""
    old = sitk.ReadImage(str(image(folder)))
    array = change(sitk.GetArrayFromImage(old).astype(np.float32))
    new = sitk.GetImageFromArray(np.ascontiguousarray(array), isVector=False)
    if array.ndim == 4 and array.shape[1:] == old.GetSize()[2::-1]:
        new.SetSpacing(old.GetSpacing())
        new.SetOrigin(old.GetOrigin())
        new.SetDirection(old.GetDirection())
    sitk.WriteImage(new, str(image(folder)))


def offsets(folder: Path) -> list[Any]:
    return list(json.loads(sidecar(folder).read_text(encoding="utf-8"))["SaturationOffsets"])


def write_map(folder: Path, name: str, value: float, origin: tuple[float, float, float] | None = None) -> str:
    like = sitk.ReadImage(str(folder / "sub-sim_R1obs.nii.gz"))
    new = sitk.GetImageFromArray(np.full(like.GetSize()[::-1], value, dtype=np.float32))
    new.CopyInformation(like)
    if origin:
        new.SetOrigin(origin)
    sitk.WriteImage(new, str(folder / name))
    return str(folder / name)


@case("fewer offsets than frames", "frames", "SaturationOffsets")
def _(folder, arguments):
    edit_protocol(folder, SaturationOffsets=offsets(folder)[:-1], ReferenceFrames=None)


@case("no protocol file", "--protocol")
def _(folder, arguments):
    sidecar(folder).unlink()


@case("protocol is not JSON", "JSON")
def _(folder, arguments):
    sidecar(folder).write_text("B0 = 4.7", encoding="utf-8")


@case("no field strength", "MagneticFieldStrength")
def _(folder, arguments):
    edit_protocol(folder, MagneticFieldStrength=None)


@case("field strength in MHz", "MHz", "tesla")
def _(folder, arguments):
    edit_protocol(folder, MagneticFieldStrength=200.1)


@case("offsets in Hz called ppm", "Hz")
def _(folder, arguments):
    hz = [o if o is None or abs(o) > 100 else o * 200 for o in offsets(folder)]
    edit_protocol(folder, SaturationOffsets=hz, ReferenceFrames=None)


@case("B1 in tesla", "tesla", "microtesla")
def _(folder, arguments):
    edit_protocol(folder, SaturationB1=5e-7)


@case("saturation time in milliseconds", "milliseconds")
def _(folder, arguments):
    edit_protocol(folder, SaturationDuration=5000)


@case("no reference frame and not normalized", "ReferenceFrames", "Normalized")
def _(folder, arguments):
    within = [9.0 if abs(o or 1e9) > 20 else o for o in offsets(folder)]
    edit_protocol(folder, ReferenceFrames=[], SaturationOffsets=within)


@case("a 3D image", "4 (x, y, z")
def _(folder, arguments):
    edit_image(folder, lambda a: a[0])


@case("a frame of NaN", "finite")
def _(folder, arguments):
    def spoil(a):
        a[7] = np.nan
        return a

    edit_image(folder, spoil)


@case("M0 is zero", "reference frames", "zero")
def _(folder, arguments):
    references = json.loads(sidecar(folder).read_text(encoding="utf-8"))["ReferenceFrames"]

    def spoil(a):
        a[references] = 0
        return a

    edit_image(folder, spoil)


@case("an image of zeros", "zero")
def _(folder, arguments):
    edit_image(folder, np.zeros_like)


@case("no such file", "no such file")
def _(folder, arguments):
    image(folder).unlink()


@case("truncated gzip", "sub-sim_cest-0.5uT.nii.gz")
def _(folder, arguments):
    image(folder).write_bytes(image(folder).read_bytes()[:20_000])


@case("a text file called .nii.gz", "sub-sim_cest-0.5uT.nii.gz")
def _(folder, arguments):
    with gzip.open(image(folder), "wb") as stream:
        stream.write(b"this is a shopping list " * 100)


@case("an empty file", "empty")
def _(folder, arguments):
    image(folder).write_bytes(b"")


@case("two powers of different size", "grid")
def _(folder, arguments):
    edit_image(folder, lambda a: a[:, :, :-2, :])


@case("two fields", "T")
def _(folder, arguments):
    edit_protocol(folder, MagneticFieldStrength=7.0)


@case("R1 map elsewhere in space", "overlap")
def _(folder, arguments):
    arguments += ["--r1", write_map(folder, "far.nii.gz", 0.6, (500.0, 500.0, 500.0))]


@case("R1 map of senseless values", "R1")
def _(folder, arguments):
    arguments += ["--r1", write_map(folder, "odd.nii.gz", 77.0)]


@case("an empty mask", "empty")
def _(folder, arguments):
    arguments += ["--mask", write_map(folder, "mask.nii.gz", 0.0)]


@case("an empty label map", "region")
def _(folder, arguments):
    arguments += ["--rois", write_map(folder, "labels.nii.gz", 0.0)]


@case("a model for another protocol", "rat-4.7T-0.25uT", "powers")
def _(folder, arguments):
    arguments += ["--model", "rat-4.7T-0.25uT"]


@case("an unknown model", "no model is called")
def _(folder, arguments):
    arguments += ["--model", "mouse"]


@case("output folder is a file", "this is a file")
def _(folder, arguments):
    (folder.parent / "out").write_text("x")


@case("output below a file", "file")
def _(folder, arguments):
    (folder.parent / "file").write_text("x")
    arguments[arguments.index("--out") + 1] = str(folder.parent / "file" / "out")


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_and_nothing_left(name, a_scan, tmp_path, capsys):
    damage, words = CASES[name]
    arguments = ["quantify", *powers(a_scan), "--out", str(tmp_path / "out"), "--progress", "none"]
    damage(a_scan, arguments)
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments) == 2
    captured = capsys.readouterr()
    sentences = captured.err.strip().splitlines()
    with capsys.disabled():
        print(f"\n{name}: {sentences[0].replace(str(tmp_path), '')}")
    assert len(sentences) == 1
    for word in words:
        assert word.lower() in sentences[0].lower()
    assert sorted(tmp_path.rglob("*")) == before


LIMITED = """
import resource, signal, sys
from PCrCESTLib.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX feature")
def test_a_disk_that_takes_no_more(a_simulated_scan, tmp_path):
    """A file size limit fails the write like a full disk does."""
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(tmp_path / "out"), "--progress", "none"]
    done = subprocess.run([sys.executable, "-c", LIMITED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
