"""A patient folder of DICOM series made of a simulated leg: CEST at two powers, M0 apart, and the scans beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dicom_samples as samples
import numpy as np
from pydicom.uid import generate_uid

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.image_io import read_volume

TIMES_S = (0.05, 0.15, 0.4, 0.8, 1.6, 3.2, 6.0, 10.0)
ECHOES_S = (0.002, 0.0024)
FULL_SCALE = 30000
LARMOR_MHZ_PER_T = 42.5764

Elements = Callable[[int], dict[str, Any]]


def write_series(
    folder: Path,
    number: int,
    name: str,
    images: np.ndarray,
    grid: Geometry,
    each: Elements = lambda _: {},
    slope: float | None = None,
    intercept: float = 0.0,
    **elements: Any,
) -> Path:
    """Write ``images`` (n, z, y, x), one file a slice, into a folder of their own."""
    slope = float(np.nanmax(images)) / FULL_SCALE if slope is None else slope
    stored = np.clip(np.round((images - intercept) / slope), 0, 65535).astype(np.uint16)
    series = generate_uid()
    named = {"SeriesNumber": number, "SeriesDescription": name}
    common = named | {"RescaleSlope": round(slope, 9), "RescaleIntercept": intercept} | elements
    for t, image in enumerate(stored):
        for z, pixels in enumerate(image):
            place = {"AcquisitionNumber": t + 1, "InstanceNumber": t * len(image) + z + 1}
            dataset = samples.image(pixels, series, **common, **place, **each(t))
            samples.write(samples.place(dataset, grid, z), folder / f"{t:03d}_{z:02d}.dcm")
    return folder


def write_study(leg: Path, folder: Path, every: int = 1) -> Path:
    """Write the study of a leg that ``pcrcest simulate`` made, with every n-th offset; returns its folder."""

    def of_leg(name: str) -> np.ndarray:
        return read_volume(leg / f"sub-sim_{name}.nii.gz").array.astype(float)

    low, high = (read_series(leg / f"sub-sim_cest-{power}uT.nii.gz") for power in ("0.5", "1"))
    grid, field_t = low.geometry, low.protocol.field_t
    scanner = {"MagneticFieldStrength": field_t, "ImagingFrequency": LARMOR_MHZ_PER_T * field_t}
    m0 = low.data[list(low.protocol.reference_frames)].mean(axis=0)

    def cest(number: int, series: Any, frames: list[int], name: str) -> None:
        offsets = [series.protocol.offsets_ppm[i] for i in frames]
        b1 = series.protocol.powers_ut[0]
        path = write_series(
            folder / f"{number:03d}_{name}", number, name.replace("_", " "), series.data[frames], grid,
            lambda t: {"ImageComments": f"{offsets[t]:g} ppm B1 {b1:g}uT"}, **scanner,
        )  # fmt: skip
        keys = {"SaturationType": "continuous", "SaturationDuration": series.protocol.saturation.duration_s}
        (path / "protocol.json").write_text(json.dumps(keys | {"SaturationB1": b1}))

    write_series(folder / "002_t1_tse", 2, "t1 tse tra", of_leg("anat")[None], grid, **scanner)
    cest(5, low, list(low.protocol.saturated_frames[::every]), "cest_leg_0.5uT")
    write_series(folder / "006_cest_M0", 6, "cest leg M0", m0[None], grid, **scanner)
    whole = sorted({*high.protocol.reference_frames, *high.protocol.saturated_frames[::every]})
    cest(7, high, whole, "cest_leg_1uT")
    r1 = np.where(m0 > 0.1 * m0.max(), np.nan_to_num(of_leg("R1obs"), nan=0.7), 0.7)
    times = np.reshape(TIMES_S, (-1, 1, 1, 1))
    recovery = m0 * np.abs(1 - 1.95 * np.exp(-times * r1) + 0.95 * np.exp(-20 * r1))
    write_series(
        folder / "008_ir", 8, "ir tse", recovery, grid, lambda t: {"InversionTime": 1e3 * TIMES_S[t]},
        **scanner | {"RepetitionTime": 20000},
    )  # fmt: skip
    shift_hz = np.nan_to_num(of_leg("B0ppm")) * LARMOR_MHZ_PER_T * field_t
    phase = np.angle(np.exp(1j * (0.5 + 2 * np.pi * shift_hz * np.reshape(ECHOES_S, (-1, 1, 1, 1)))))
    is_phase = {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}
    write_series(
        folder / "009_field", 9, "gre field mapping", phase / np.pi * 4096, grid,
        lambda t: {"EchoTime": 1e3 * ECHOES_S[t]}, 2.0, -4096.0, **scanner, **is_phase,
    )  # fmt: skip
    relative = np.nan_to_num(of_leg("relB1"), nan=1.0)
    write_series(folder / "010_b1", 10, "B1map percent", 100 * relative[None], grid, slope=0.01, **scanner)
    return folder
