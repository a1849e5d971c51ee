"""Spectra of what a user points at: a voxel or a muscle of the chosen scan, with the heading of their plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series
from PCrCESTLib.scene.muscles import segment_mask
from PCrCESTLib.scene.runs import Run
from PCrCESTLib.scene.series_nodes import series_of
from PCrCESTLib.scene.spectra import Spectrum, one_voxel, peak_fit_of, spectra_in
from PCrCESTLib.scene.volumes import array_of, voxel_at

Found = tuple[list[Spectrum], str]
# Quantities of a voxel's heading: what they are multiplied by, and the unit behind that.
TOLD = (("fs", 1e3, "·10⁻³"), ("ksw", 1, " 1/s"))


class SpectrumSource:
    """Keeps the normalized spectra of the chosen series until others are chosen, or one of them is changed."""

    def __init__(self) -> None:
        """Start without any."""
        self.forget()

    def forget(self) -> None:
        """Keep nothing: the scene is closed."""
        self._series: ZSeries | None = None
        self._key: tuple[Any, ...] | None = None
        self._reason = ""

    def prepared(self, series_nodes: Sequence[Any]) -> ZSeries | None:
        """Return the normalized spectra of the powers of one subject; None where they cannot be used together."""
        key = tuple((node.GetID(), node.GetMTime()) for node in series_nodes)
        if key != self._key:
            self._key, self._series = key, None
            self._reason = "" if series_nodes else "no CEST series is chosen"
            try:
                self._series = prepare_series([series_of(n) for n in series_nodes]) if series_nodes else None
            except PCrCESTError as error:
                self._reason = str(error)
        return self._series

    def at_voxel(
        self, series_nodes: Sequence[Any], ras: tuple[float, float, float] | None, run: Run | None
    ) -> Found:
        """Return the spectra of the voxel at a point, one a power, and their heading.

        Parameters
        ----------
        series_nodes : sequence of sequence nodes
            The powers of one subject.
        ras : tuple of float
            Where, mm; None where nothing was pointed at yet.
        run : Run or None
            The result that is shown: its fs and ksw take PCr out, and stand in the heading with their SDs.

        Returns
        -------
        list of Spectrum, str
            No spectra and the reason where there is nothing.
        """
        series = self.prepared(series_nodes)
        if series is None:
            return [], self._reason
        ijk = None if ras is None else voxel_at(_reference(series_nodes), ras)
        if ijk is None:
            return [], "no voxel under the crosshair"
        heading = f"voxel {ijk[0]}, {ijk[1]}, {ijk[2]}{_values(run, ijk)}"
        return _spectra(series, one_voxel(series.geometry.shape, ijk), run), heading

    def of_muscle(
        self, series_nodes: Sequence[Any], segmentation: Any | None, segment_id: str, run: Run | None
    ) -> Found:
        """Return the mean spectra of a muscle, one a power, and their heading.

        Parameters
        ----------
        series_nodes, run
            As of `at_voxel`.
        segmentation : segmentation node or None
            Muscles as drawn now.
        segment_id : str
            Which of them.

        Returns
        -------
        list of Spectrum, str
            No spectra and the reason where there is nothing; both empty where there is no such muscle.
        """
        series = self.prepared(series_nodes)
        if series is None:
            return [], self._reason
        segment = None if segmentation is None else segmentation.GetSegmentation().GetSegment(segment_id)
        if segment is None:
            return [], ""
        mask = segment_mask(segmentation, segment_id, _reference(series_nodes))
        heading = f"{segment.GetName()}, mean of {int(mask.sum())} voxels"
        return (_spectra(series, mask, run) if mask.any() else []), heading


def _reference(series_nodes: Sequence[Any]) -> Any:
    """Return a frame of the series, on whose grid the spectra lie."""
    return series_nodes[0].GetNthDataNode(0)


def _spectra(series: ZSeries, mask: np.ndarray, run: Run | None) -> list[Spectrum]:
    """Spectra of a mask (z, y, x), without PCr where the run says how much there is."""
    if run is None:
        return spectra_in(series, mask, {})
    return spectra_in(series, mask, _maps(run, mask.shape), peak_fit_of(run.record, series))


def _maps(run: Run, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arrays for the contribution of PCr; none where the run does not belong to this scan."""
    kinds = ("fs", "ksw", "b0")
    found: dict[str, np.ndarray] = {kind: array_of(run.maps[kind]) for kind in kinds if kind in run.maps}
    return found if all(a.shape == shape for a in found.values()) else {}


def _values(run: Run | None, ijk: tuple[int, int, int]) -> str:
    """Return fs and ksw of a voxel with their SDs behind a colon, as far as they are known."""
    at, texts = ijk[::-1], []
    for kind, factor, unit in TOLD:
        if run is None or kind not in run.maps:
            continue
        values = array_of(run.maps[kind])
        if all(i < n for i, n in zip(at, values.shape, strict=True)) and np.isfinite(values[at]):
            sd = float(array_of(run.maps[kind + "_sd"])[at])
            texts.append(f"{kind} {factor * float(values[at]):.3g} ± {factor * sd:.2g}{unit}")
    return ": " + ", ".join(texts) if texts else ""
