"""Damaged files of every format: a clean sentence of the error family, or a result; nothing else."""

from __future__ import annotations

import gzip
import random

import numpy as np
import pytest
import scipy.io
import SimpleITK as sitk

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.readers import read_map, read_mask, read_rois, read_series

MUTATIONS = 120
HEADER_BYTES = 400  # where damage is most varied


@pytest.fixture
def originals(tmp_path, write, frames, grid):
    """One good file of each format, and what reads it."""
    nifti = write("series.nii", frames, grid).read_bytes()
    labels = grid.to_image((frames[0] % 3).astype(np.uint8))
    for key, value in {"Segment0_Name": "a", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}.items():
        labels.SetMetaData(key, value)
    sitk.WriteImage(labels, str(tmp_path / "rois.seg.nrrd"))
    sitk.WriteImage(labels, str(tmp_path / "packed.seg.nrrd"), useCompression=True)
    arrays = {"image": frames.transpose(2, 3, 1, 0), "Freq": np.arange(6.0), "Mask": np.ones((5, 4, 2))}
    scipy.io.savemat(tmp_path / "plain.mat", arrays)
    scipy.io.savemat(tmp_path / "packed.mat", arrays, do_compression=True)
    return {
        "series.nii": nifti,
        "series.nii.gz": gzip.compress(nifti),
        "r1.nii": write("r1.nii", np.full(grid.shape, 0.6, np.float32), grid).read_bytes(),
        **{name: (tmp_path / name).read_bytes() for name in ("rois.seg.nrrd", "packed.seg.nrrd")},
        **{name: (tmp_path / name).read_bytes() for name in ("plain.mat", "packed.mat")},
    }


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Flip, overwrite, insert, delete or cut off a few bytes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 6))):
        reach = min(len(data), HEADER_BYTES if rng.random() < 0.8 else len(data))
        at = rng.randrange(max(reach, 1))
        kind = rng.randrange(6)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            data[at : at + 4] = bytes(rng.choice((0, 127, 128, 255)) for _ in range(4))
        elif kind == 2:
            del data[at : at + rng.randrange(1, 20)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 20))
        elif kind == 4:
            del data[rng.randrange(len(data) + 1) :]
        elif data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
    return bytes(data)


@pytest.mark.parametrize(
    "name",
    ["series.nii", "series.nii.gz", "r1.nii", "rois.seg.nrrd", "packed.seg.nrrd", "plain.mat", "packed.mat"],
)
def test_damage_never_escapes_the_error_family(originals, tmp_path, grid, protocol_document, name, capfd):
    protocol = protocol_from_dict(protocol_document)
    readers = {
        "series": [lambda path: read_series(path, protocol)],
        "r1": [
            lambda path: read_map(path, "r1", grid),
            lambda path: read_map(path, "b0", grid, field_t=3.0),
            lambda path: read_rois(path, grid),
        ],
        "rois": [lambda path: read_rois(path, grid), lambda path: read_mask(path, grid)],
    }
    stem = "rois" if "seg" in name else "series" if "mat" in name else name.split(".")[0]
    rng = random.Random(name)
    path = tmp_path / "damaged" / name
    path.parent.mkdir()
    sentences = []
    for _ in range(MUTATIONS):
        path.write_bytes(damaged(originals[name], rng))
        for read in readers[stem]:
            try:
                read(path)
            except PCrCESTError as error:
                sentences.append(str(error))
    assert len(sentences) > MUTATIONS // 4
    assert all(sentence.startswith(str(path)) for sentence in sentences)
    assert not [sentence for sentence in sentences if "\n" in sentence or "itk::" in sentence]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["series.nii", "series.nii.gz", "rois.seg.nrrd", "packed.seg.nrrd"])
def test_a_file_cut_at_any_place_is_refused(originals, tmp_path, grid, protocol_document, name):
    protocol = protocol_from_dict(protocol_document)
    path = tmp_path / "cut" / name
    path.parent.mkdir()
    content = originals[name]
    for kept in np.unique(np.linspace(0, len(content) - 1, 60).astype(int)):
        path.write_bytes(content[:kept])
        with pytest.raises(PCrCESTError):
            read_rois(path, grid) if "seg" in name else read_series(path, protocol)
