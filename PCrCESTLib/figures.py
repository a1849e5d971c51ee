"""The picture of one run: anatomy, fs, ksw and their SDs over it, and the mean Z-spectrum of every ROI."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.errors import GeometryError, MissingExtraError, OutputError
from PCrCESTLib.geometry import Geometry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN, DPI = 10.5, 160  # 1680 pixels


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

    ``fs`` and ``fs_sd`` in 10⁻³, ``ksw`` and ``ksw_sd`` in s⁻¹; what lies beyond takes the end color.
    """

    fs: tuple[float, float] = (0.0, 1.6)
    ksw: tuple[float, float] = (0.0, 250.0)
    fs_sd: tuple[float, float] = (0.0, 0.4)
    ksw_sd: tuple[float, float] = (0.0, 80.0)


@dataclass(frozen=True)
class FigureInput:
    """Everything the picture shows; every map is (z, y, x) on ``geometry``.

    Parameters
    ----------
    geometry : Geometry
        The grid.
    fs, ksw : ndarray
        PCr proton fraction (not in 10⁻³) and exchange rate, s⁻¹; NaN is transparent.
    anatomy : ndarray or None
        Any image on the grid, in gray below the maps.
    fs_sd, ksw_sd : ndarray or None
        Their standard deviations in the same units.
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
    ksw: np.ndarray
    anatomy: np.ndarray | None = None
    fs_sd: np.ndarray | None = None
    ksw_sd: np.ndarray | None = None
    ksw_identifiable: np.ndarray | None = None
    rois: tuple[tuple[str, np.ndarray], ...] = ()
    spectra: tuple[MeanSpectra, ...] = ()
    title: str = ""
    footer: str = ""
    ranges: DisplayRanges = DisplayRanges()

    def __post_init__(self) -> None:
        maps = {name: getattr(self, name) for name in ("fs", "ksw", "anatomy", "fs_sd", "ksw_sd")}
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


def save_overview(path: Path, result: FigureInput) -> None:
    """Write the picture as PNG, 1680 pixels wide; the file appears whole or not at all.

    One slice, or the up to four with most ROI voxels, as stored (never flipped), with patient directions.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    OutputError
        When the file cannot be written.
    """
    figure = draw_overview(result)
    partial = path.parent / f".{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        figure.savefig(partial, format="png", dpi=DPI)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: the figure cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)


def draw_overview(result: FigureInput) -> Figure:
    """Draw the picture; a matplotlib figure without any window or global state.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "the overview figure", "figures") from error
    from PCrCESTLib.figures_maps import draw_maps, overview_view, row_height_in
    from PCrCESTLib.figures_spectra import draw_spectra
    from PCrCESTLib.figures_text import draw_headline

    view = overview_view(result)
    maps_in, spectra_in = 2 * row_height_in(view), 2.9 if result.spectra else 0.0
    figure = Figure(figsize=(WIDTH_IN, 0.55 + maps_in + spectra_in + 0.35), facecolor="white")
    FigureCanvasAgg(figure)
    boxes = _bands(figure, maps_in, spectra_in)
    draw_maps(boxes["maps"], result, view)
    if result.spectra:
        draw_spectra(boxes["spectra"], result)
    draw_headline(boxes["top"], boxes["bottom"], result)
    return figure


def _bands(figure: Figure, maps_in: float, spectra_in: float) -> dict[str, Any]:
    """Cut the page into horizontal bands of fixed height in inches."""
    heights = [0.55, maps_in, spectra_in, 0.35] if spectra_in else [0.55, maps_in, 0.35]
    names = ["top", "maps", "spectra", "bottom"] if spectra_in else ["top", "maps", "bottom"]
    bands: Any = figure.subfigures(len(heights), 1, height_ratios=heights, hspace=0)
    return dict(zip(names, bands, strict=True))
