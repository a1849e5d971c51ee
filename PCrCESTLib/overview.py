"""What the picture of a run shows, taken from its result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.figures import FigureInput, MeanSpectra
from PCrCESTLib.methods.method import Method
from PCrCESTLib.preparation.zseries import ZSeries
from PCrCESTLib.quality import Quality
from PCrCESTLib.quantify import Maps
from PCrCESTLib.roi import RoiSpectrum
from PCrCESTLib.version import __version__


def overview_input(
    series: ZSeries,
    result: Maps,
    rois: Sequence[tuple[str, np.ndarray]],
    spectra: Sequence[RoiSpectrum],
    method: Method,
    anatomy: np.ndarray,
    name: str,
) -> FigureInput:
    """Collect maps, regions and mean spectra over an image (z, y, x); ``name`` heads the picture."""
    masks = dict(rois) or {"all tissue": result.voxels.mask}
    mean = tuple(
        MeanSpectra(power, method.grid_ppm, np.stack([s.z[p] for s in spectra]))
        for p, power in enumerate(series.powers_ut if spectra else ())
    )
    # Where no region has a spectrum, the regions are shown as drawn.
    shown = [s.roi for s in spectra] or list(masks)
    noise = ", ".join(f"{sd:.3g}" for sd in result.voxels.noise_sd)
    return FigureInput(
        geometry=series.geometry,
        fs=result.maps["fs"],
        ksw=result.maps["ksw"] if np.isfinite(result.estimates.ksw).any() else None,
        anatomy=anatomy,
        fs_sd=result.maps["fs_sd"],
        ksw_sd=result.maps["ksw_sd"],
        arex=result.maps.get("arex"),
        arex_sd=result.maps.get("arex_sd"),
        ksw_identifiable=(result.quality & Quality.KSW_NOT_IDENTIFIABLE) == 0,
        rois=tuple((name, masks[name]) for name in shown),
        spectra=mean,
        title=f"Phosphocreatine from CEST · {name}",
        footer=f"PCrCEST {__version__} · {method.title} · noise SD of Z {noise}",
    )
