"""What the picture of a run shows, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import GeometryError
from PCrCESTLib.geometry import Geometry


@dataclass(frozen=True)
class MeanSpectra:
    """Mean Z-spectra of the ROIs at one power.

    Parameters
    ----------
    b1_ut : float
        Saturation power, µT.
    offsets_ppm : ndarray
        (n_offsets,), any order.
    z : ndarray
        (n_rois, n_offsets), one row for each entry of ``FigureInput.rois``.
    """

    b1_ut: float
    offsets_ppm: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class DisplayRanges:
    """Color ranges, the same for every subject so that pictures can be compared.

    ``fs`` and ``fs_sd`` in 10⁻³, all others in s⁻¹; what lies beyond takes the end color.
    """

    fs: tuple[float, float] = (0.0, 1.6)
    ksw: tuple[float, float] = (0.0, 250.0)
    fs_sd: tuple[float, float] = (0.0, 0.6)
    ksw_sd: tuple[float, float] = (0.0, 80.0)
    arex: tuple[float, float] = (0.0, 0.06)
    arex_sd: tuple[float, float] = (0.0, 0.02)


@dataclass(frozen=True)
class FigureInput:
    """Everything the picture shows; every map is (z, y, x) on ``geometry``.

    Parameters
    ----------
    geometry : Geometry
        The grid.
    fs : ndarray
        PCr proton fraction (not in 10⁻³); NaN is transparent.
    ksw : ndarray or None
        Exchange rate, s⁻¹; None for a method that cannot tell it, whose ``arex`` takes the place.
    anatomy : ndarray or None
        Any image on the grid, in gray below the maps.
    fs_sd, ksw_sd : ndarray or None
        Their standard deviations in the same units.
    arex, arex_sd : ndarray or None
        Relaxation rate that PCr adds, and its SD, s⁻¹.
    ksw_identifiable : ndarray or None
        False where ksw is hardly better known than before the scan: gray hatching takes the color's place.
    rois : tuple of (str, ndarray)
        Name and mask of each region.
    spectra : tuple of MeanSpectra
        One a power.
    title, footer : str
        Headline; line of provenance (model, protocol, version).
    ranges : DisplayRanges
        Color ranges.

    Raises
    ------
    GeometryError
        When a map or mask does not fit the grid.
    """

    geometry: Geometry
    fs: np.ndarray
    ksw: np.ndarray | None
    anatomy: np.ndarray | None = None
    fs_sd: np.ndarray | None = None
    ksw_sd: np.ndarray | None = None
    arex: np.ndarray | None = None
    arex_sd: np.ndarray | None = None
    ksw_identifiable: np.ndarray | None = None
    rois: tuple[tuple[str, np.ndarray], ...] = ()
    spectra: tuple[MeanSpectra, ...] = ()
    title: str = ""
    footer: str = ""
    ranges: DisplayRanges = DisplayRanges()

    def __post_init__(self) -> None:
        maps = {
            name: getattr(self, name)
            for name in ("fs", "ksw", "anatomy", "fs_sd", "ksw_sd", "arex", "arex_sd")
        }
        maps |= {"ksw_identifiable": self.ksw_identifiable, **{f"ROI {n}": mask for n, mask in self.rois}}
        for name, array in maps.items():
            if array is not None and array.shape != self.geometry.shape:
                raise GeometryError(
                    f"the figure's {name} has shape {array.shape}; {self.geometry.shape} is expected, "
                    "as its geometry says"
                )
        for spectrum in self.spectra:
            expected = (len(self.rois), len(spectrum.offsets_ppm))
            if spectrum.z.shape != expected:
                raise GeometryError(
                    f"the figure's spectra at {spectrum.b1_ut:g} µT have shape {spectrum.z.shape}; one row a "
                    f"ROI and one column an offset are expected, {expected}"
                )
