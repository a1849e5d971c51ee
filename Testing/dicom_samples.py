"""DICOM files as the scanners write them, made with pydicom: classic, enhanced, mosaic, Siemens private headers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from PCrCESTLib.geometry import Geometry

MR = UID("1.2.840.10008.5.1.4.1.1.4")
ENHANCED_MR = UID("1.2.840.10008.5.1.4.1.1.4.1")


def image(pixels: np.ndarray, series: str, **elements: Any) -> Dataset:
    """An image without a place; keyword arguments become elements (None leaves one out)."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MR
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = series
    dataset.Modality = "MR"
    dataset.MagneticFieldStrength = 3
    dataset.ImagingFrequency = 123.2
    dataset.RepetitionTime = 5000
    dataset.EchoTime = 3
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def place(dataset: Dataset, grid: Geometry, z: int) -> Dataset:
    """Put an image at slice ``z`` of a grid."""
    dataset.ImagePositionPatient = slice_position(grid, z)
    dataset.ImageOrientationPatient = orientation(grid)
    dataset.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = grid.spacing_mm[2]
    return dataset


def orientation(grid: Geometry) -> list[float]:
    return [round(float(v), 10) for v in grid.matrix[:, :2].T.ravel()]


def slice_position(grid: Geometry, z: float, row: float = 0, column: float = 0) -> list[float]:
    steps = np.array([column, row, z]) * grid.spacing_mm
    return [round(float(v), 8) for v in np.asarray(grid.origin_mm) + grid.matrix @ steps]


def write(dataset: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_classic(
    folder: Path, frames: np.ndarray, grid: Geometry, *, syntax: str = ExplicitVRLittleEndian, **elements: Any
) -> list[Path]:
    """One file a slice and image, named so that names give no order; returns them as (image, slice) goes."""
    series = generate_uid()
    count = frames.shape[0] * frames.shape[1]
    names = np.random.default_rng(0).permutation(count)
    paths = []
    for t, frame in enumerate(frames):
        for z, pixels in enumerate(frame):
            number = t * len(frame) + z
            dataset = image(pixels, series, AcquisitionNumber=t + 1, InstanceNumber=number + 1, **elements)
            dataset.file_meta.TransferSyntaxUID = syntax
            paths.append(write(place(dataset, grid, z), folder / f"IM{names[number]:04d}"))
    return paths


def enhanced(frames: np.ndarray, grid: Geometry, slopes: Any = None) -> Dataset:
    """All slices and images in one file, slice by slice, each with its own rescale slope."""
    n_images, n_slices = frames.shape[:2]
    order = [(t, z) for z in range(n_slices) for t in range(n_images)]
    stored = np.stack([frames[t, z] for t, z in order])
    dataset = image(stored, generate_uid(), NumberOfFrames=len(order), SOPClassUID=ENHANCED_MR)
    for moved in ("RepetitionTime", "EchoTime"):
        delattr(dataset, moved)
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=orientation(grid))]
    shared.PixelMeasuresSequence = [
        _item(
            PixelSpacing=[grid.spacing_mm[1], grid.spacing_mm[0]],
            SliceThickness=grid.spacing_mm[2],
            SpacingBetweenSlices=grid.spacing_mm[2],
        )
    ]
    shared.MRTimingAndRelatedParametersSequence = [_item(RepetitionTime=5000.0)]
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for t, z in order:
        group = Dataset()
        group.PlanePositionSequence = [_item(ImagePositionPatient=slice_position(grid, z))]
        group.FrameContentSequence = [_item(TemporalPositionIndex=t + 1, InStackPositionNumber=z + 1)]
        slope = 1.0 if slopes is None else float(slopes[t])
        group.PixelValueTransformationSequence = [_item(RescaleSlope=slope, RescaleIntercept=0.0)]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return dataset


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def mosaic(
    volume: np.ndarray, grid: Geometry, series: str, *, flipped: bool = False, **elements: Any
) -> Dataset:
    """A Siemens mosaic of the slices of one image, with the CSA entries that say how to take it apart.

    ``flipped``: the slices run against the normal of the image, as when they are acquired from head to feet.
    """
    side = int(np.ceil(np.sqrt(len(volume))))
    rows, columns = volume.shape[1:]
    pixels = np.zeros((side * rows, side * columns), volume.dtype)
    for n, one in enumerate(volume[::-1] if flipped else volume):
        r, c = n // side * rows, n % side * columns
        pixels[r : r + rows, c : c + columns] = one
    dataset = place(image(pixels, series, **elements), grid, 0)
    # Centered where the slices are, but as large as the mosaic.
    first = len(volume) - 1 if flipped else 0
    dataset.ImagePositionPatient = slice_position(
        grid, first, -(pixels.shape[0] - rows) / 2, -(pixels.shape[1] - columns) / 2
    )
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    normal = grid.matrix[:, 2] * (-1 if flipped else 1)
    table = csa(
        {"NumberOfImagesInMosaic": [str(len(volume))], "SliceNormalVector": [f"{v:.8f}" for v in normal]}
    )
    dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", table)
    return dataset


def csa(entries: dict[str, list[str]]) -> bytes:
    """A CSA table of version 2."""
    content = b"SV10\4\3\2\1" + struct.pack("<II", len(entries), 77)
    for name, values in entries.items():
        content += struct.pack("<64si4siii", name.encode(), len(values), b"IS\0\0", 6, len(values), 77)
        for value in values:
            data = value.encode() + b"\0"
            content += (
                struct.pack("<4I", len(data), len(data), 77, len(data)) + data + b"\0" * (-len(data) % 4)
            )
    return content


def add_siemens_protocol(dataset: Dataset, fields: dict[str, Any]) -> None:
    """Put a protocol text into the private header, as the CEST work-in-progress sequences do."""
    lines = "".join(f"{name}\t = \t{value}\n" for name, value in fields.items())
    text = f"<XProtocol> {{ }}\n### ASCCONV BEGIN object=MrProtDataImpl ###\n{lines}### ASCCONV END ###\n"
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x20, "OB", csa({"UsedChannelMask": ["1"]}) + text.encode() + b"\0" * (len(text) % 2))
