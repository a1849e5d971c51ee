"""The Z-spectrum behind a number: of one voxel or of a muscle, with and without what PCr does to it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.contribution import without_pcr
from PCrCESTLib.errors import MethodError
from PCrCESTLib.methods import METHODS, Settings, make_fit
from PCrCESTLib.methods.peak_method import PeakMethod
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.preparation.b0 import align
from PCrCESTLib.preparation.zseries import ZSeries, protocol_of

SHOWN_PPM = 10.0  # reference frames far from water would squeeze the rest


@dataclass(frozen=True)
class Spectrum:
    """A spectrum at one power.

    ``offsets_ppm`` from water, ``z`` measured and ``rest`` without PCr (NaN where it is not known), each
    (n_offsets,). Of a fit also its curve ``fit`` and what each pool takes from Z, ``parts``.
    """

    b1_ut: float
    offsets_ppm: np.ndarray
    z: np.ndarray
    rest: np.ndarray
    fit: np.ndarray | None = None
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)


def peak_fit_of(record: Mapping[str, Any], series: ZSeries) -> PeakMethod | None:
    """Return the fit of a peak that a run was made with, ready for its series; None for other methods."""
    method = str(record.get("method", ""))
    if "settings" not in record or method not in METHODS:
        return None
    try:
        made = make_fit(method, protocol_of(series), Settings(**record["settings"]))
    except (MethodError, TypeError):
        return None  # the series is another one, or the run of a later version
    return made if isinstance(made, PeakMethod) else None


def spectra_in(
    series: ZSeries, mask: np.ndarray, maps: Mapping[str, np.ndarray], method: PeakMethod | None = None
) -> list[Spectrum]:
    """Return the mean spectrum of some voxels, each moved to its own water first; one a power.

    Parameters
    ----------
    series : ZSeries
        Normalized spectra.
    mask : ndarray
        bool (z, y, x), at least one voxel.
    maps : mapping
        Arrays (z, y, x) of ``fs``, ``ksw`` and ``b0`` as far as they are known; the median over the mask counts.
    method : PeakMethod, optional
        Draws its fit of the lowest power; without it, PCr is taken out by fs and ksw.
    """
    fs, ksw = (_median(maps.get(kind), mask) for kind in ("fs", "ksw"))
    shift = np.nan_to_num(maps["b0"][mask]) if "b0" in maps else np.zeros(int(mask.sum()))
    found = []
    for block in series.blocks:
        near = np.abs(block.offsets_ppm) <= SHOWN_PPM
        values = block.z[:, mask].T
        usable = np.all(np.isfinite(values), axis=1)
        if not usable.any():
            continue
        z = align(values[usable], block.offsets_ppm, shift[usable], block.offsets_ppm).mean(
            axis=0, dtype=float
        )
        offsets, z = block.offsets_ppm[near], z[near]
        rest = np.full(len(z), np.nan)
        if np.isfinite(fs) and np.isfinite(ksw):
            rest = without_pcr(z, offsets, block.b1_ut, series.field_t, series.saturation, fs, ksw)
        found.append(Spectrum(block.b1_ut, offsets, z, rest))
    if method is not None and len(found) == len(series.blocks):
        found[0] = _fitted(found, method)
    return found


def write_spectra(path: Path, title: str, spectra: Sequence[Spectrum]) -> None:
    """Write spectra as CSV, one row an offset: whole or not at all, in place of a file of that name.

    Parameters
    ----------
    path : Path
        The file.
    title : str
        What they are of, in the first column.
    spectra : sequence of Spectrum
        One a power.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    with (
        staged_files([path], overwrite=True) as stage,
        (stage / path.name).open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(["what", "b1_ut", "offset_ppm", "z", "z_without_pcr"])
        for s in spectra:
            for line in zip(s.offsets_ppm, s.z, s.rest, strict=True):
                writer.writerow([title, f"{s.b1_ut:g}", *(f"{v:.6g}" for v in line)])


def _fitted(spectra: list[Spectrum], method: PeakMethod) -> Spectrum:
    """Return the spectrum at the lowest power with the curves of the method."""
    curves = method.find([(s.offsets_ppm, s.z[None]) for s in spectra]).curves
    fit = None if curves.fit is None else curves.fit[0]
    parts = {name: part[0] for name, part in curves.parts.items()}
    return replace(spectra[0], rest=curves.without_pcr[0], fit=fit, parts=parts)


def one_voxel(shape: tuple[int, ...], ijk: tuple[int, int, int]) -> np.ndarray:
    """Mask (z, y, x) of the voxel (i, j, k)."""
    mask = np.zeros(shape, dtype=bool)
    mask[ijk[::-1]] = True
    return mask


def _median(values: np.ndarray | None, mask: np.ndarray) -> float:
    inside = np.array([]) if values is None else values[mask]
    inside = inside[np.isfinite(inside)]
    return float(np.median(inside)) if len(inside) else float("nan")
