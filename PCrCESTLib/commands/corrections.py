"""The corrections of ``pcrcest quantify`` that must be asked for: motion and denoising of the frames."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.preparation.denoise import Denoised, denoise_series
from PCrCESTLib.preparation.mask import body_mask
from PCrCESTLib.preparation.motion import FrameMotion, MotionReport, correct_motion
from PCrCESTLib.preparation.noise import estimate_noise
from PCrCESTLib.preparation.registration import KINDS
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series
from PCrCESTLib.series import CestSeries

MOTION = ("none", *KINDS)
DENOISE = ("none", "pca")
AXES = ("x", "y", "z")
SLICES = {"auto": None, "2d": True, "3d": False}


def add_flags(add: Callable[..., Any]) -> None:
    """Add ``--motion``, ``--motion-slices`` and ``--denoise`` to a parser by its ``add_argument``."""
    add(
        "--motion",
        choices=MOTION,
        default="none",
        help="bring moved frames back (default: %(default)s; affine also follows swelling, less surely)",
    )
    add(
        "--motion-slices",
        choices=tuple(SLICES),
        default="auto",
        help="move every slice in its plane (2d) or all together (3d); default: 2d for few or thick slices",
    )
    add(
        "--denoise",
        choices=DENOISE,
        default="none",
        help="denoise the frames by their principal components (default: %(default)s)",
    )


@dataclass(frozen=True)
class Corrected:
    """The series to compute with, and what was done to them.

    ``noise_sd`` is the SD of Z before denoising, (n_powers, z, y, x), NaN where unknown; None without denoising, when
    the spectra tell it themselves.
    """

    series: ZSeries
    motion: MotionReport | None
    denoised: tuple[Denoised, ...]
    noise_sd: np.ndarray | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        motion = () if self.motion is None else self.motion.notes
        return (*motion, *dict.fromkeys(d.note for d in self.denoised))

    @property
    def record(self) -> dict[str, Any]:
        """Entries of the provenance file."""
        found: dict[str, Any] = {}
        if self.motion is not None:
            m = self.motion
            found["motion"] = {
                "kind": m.kind,
                "per_slice": m.per_slice,
                "resampled": m.moved,
                "largest_displacement_mm": round(m.largest_mm, 4),
                "adjacent_frames_rms_mm": round(m.adjacent_rms_mm, 4),
                "voxel_mm": m.voxel_mm,
                "frames": [_rounded(asdict(row)) for row in m.frames],
            }
        if self.denoised:
            found["denoise"] = [_rounded(asdict(d)) for d in self.denoised]
        return found

    def write(self, folder: Path) -> list[str]:
        """Write ``motion.csv`` and ``motion.png`` if motion was looked for; return sentences on what is missing."""
        if self.motion is None:
            return []
        _write_table(self.motion.frames, folder / "motion.csv")
        from PCrCESTLib.figures.motion import save_motion_picture

        try:
            save_motion_picture(folder / "motion.png", self.motion)
        except MissingExtraError as error:
            return [f"no picture of the motion: {error}"]
        return []


def corrected(
    read: Sequence[CestSeries], prepared: ZSeries, args: argparse.Namespace, report: Callable[[float], None]
) -> Corrected:
    """Apply what the flags ask for to the series ``read`` and join them; ``report`` gets the fraction done.

    ``prepared`` are the same series joined as they are, the result where nothing was asked for.

    Raises
    ------
    PCrCESTError
        When the series do not belong together, or came divided by M0 and motion was to be corrected.
    """
    series, found = list(read), None
    if args.motion != "none":
        series, found = correct_motion(
            series, args.motion, per_slice=SLICES[args.motion_slices], report=report
        )
        prepared = prepare_series(series)
    if args.denoise == "none":
        return Corrected(prepared, found, (), None)
    series, denoised = denoise_series(series)
    return Corrected(prepare_series(series), found, denoised, noise_before(prepared))


def noise_before(series: ZSeries) -> np.ndarray:
    """SD of Z of every voxel with a usable spectrum, (n_powers, z, y, x), NaN elsewhere."""
    maps = np.full((len(series.blocks), *series.geometry.shape), np.nan)
    tissue = body_mask(series)
    for sd, block in zip(maps, series.blocks, strict=True):
        sd[tissue] = estimate_noise(block.z[:, tissue].T, block.offsets_ppm).voxel
    return maps


def _write_table(rows: Sequence[FrameMotion], path: Path) -> None:
    """Write one line a frame (and slice); vectors take one column an axis."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        names = [f.name for f in fields(FrameMotion)]
        writer.writerow([c for name in names for c in _columns(name)])
        for row in rows:
            values = (getattr(row, name) for name in names)
            writer.writerow(
                [_text(v) for value in values for v in (value if isinstance(value, tuple) else (value,))]
            )


def _columns(name: str) -> list[str]:
    for vector in ("translation", "rotation"):
        if name.startswith(vector):
            return [name.replace(vector, f"{vector}_{axis}") for axis in AXES]
    return [name]


def _text(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Four decimals, and None for what JSON has no number for."""

    def one(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 4) if np.isfinite(value) else None
        return [one(v) for v in value] if isinstance(value, tuple) else value

    return {name: one(value) for name, value in values.items()}
