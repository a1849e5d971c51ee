"""The digital rat-leg phantom: two legs of four muscles with known fs and ksw, scanned by any protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.physics import Tissue
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.series import CestSeries
from PCrCESTLib.synthesis.phantom_body import LegBody, PhantomSettings, build_legs, muscle_truth
from PCrCESTLib.synthesis.phantom_scan import SIGNAL_SCALE, rician, scan, series_protocols
from PCrCESTLib.synthesis.phantom_shapes import MUSCLE_NAMES

FIELD_OF_VIEW_MM, SLICE_THICKNESS_MM = 32.0, 2.0
SMALLEST_SIZE, LARGEST_SIZE, MOST_SLICES = 16, 512, 64
_SCAN_STREAM, _ANATOMY_STREAM = 100, 99  # random streams of the measurement, apart from those of the body


@dataclass(frozen=True)
class Phantom:
    """A scanned digital animal with its truth; every map is (z, y, x) on ``geometry``.

    Parameters
    ----------
    series : tuple of CestSeries
        One a saturation power, ascending, as a scanner gives them.
    geometry : Geometry
        The grid of everything.
    anatomy : ndarray
        Image of the legs without saturation, float32.
    fs, ksw : ndarray
        Truth: PCr proton fraction and exchange rate (s⁻¹), float32, NaN where less than half is muscle.
    relative_b1, b0_ppm : ndarray
        B1 divided by nominal; water frequency, ppm; float32.
    r1_obs, fm : ndarray
        R1obs, s⁻¹, 0 outside the body, and MT pool-size ratio, 0 outside muscle; float32.
    labels : ndarray
        uint8: 1 … 8 in whole muscle voxels, else 0; ``label_names[i]`` names label i + 1.
    label_names : tuple of str
        "right tibialis anterior" … "left soleus".
    body : ndarray
        True where there is tissue.
    noise_sd : float
        SD of one frame's M/M0 in the median muscle voxel.
    seed : int
        What it was drawn with.
    settings : PhantomSettings
        What was asked for.
    tissue : Tissue
        The muscle voxels' full tissue, one entry a voxel of ``labels > 0`` in array order.
    """

    series: tuple[CestSeries, ...]
    geometry: Geometry
    anatomy: np.ndarray
    fs: np.ndarray
    ksw: np.ndarray
    relative_b1: np.ndarray
    b0_ppm: np.ndarray
    r1_obs: np.ndarray
    fm: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    body: np.ndarray
    noise_sd: float
    seed: int
    settings: PhantomSettings
    tissue: Tissue


def simulate_leg(
    protocol: Protocol,
    *,
    seed: int,
    noise_sd: float,
    size: int = 64,
    slices: int = 1,
    geometry: Geometry | None = None,
    normalized: bool = False,
    settings: PhantomSettings | None = None,
) -> Phantom:
    """Build and scan one digital animal.

    Parameters
    ----------
    protocol : Protocol
        What to acquire; every power becomes a series of its own. Reference frames are added where the
        protocol has none.
    seed : int
        Chooses the animal and, independently, the noise.
    noise_sd : float
        SD of one frame's M/M0 in the median muscle voxel (the coil makes it vary by ±20 %).
    size, slices : int
        Voxels along each side of the slice and number of slices, 32 mm and 2 mm thick by default.
    geometry : Geometry, optional
        Any other grid, instead of ``size`` and ``slices``.
    normalized : bool
        Divide by M0 and leave the reference frames out, as some groups distribute their data.
    settings : PhantomSettings, optional
        Field ranges, muscle model and so on.

    Raises
    ------
    PhysicsError
        When the noise, the seed or the grid makes no sense.
    """
    settings = settings or PhantomSettings()
    _check(seed, noise_sd)
    grid = geometry or _default_geometry(size, slices)
    body = build_legs(grid, seed, settings)
    if not np.any(body.labels):
        raise PhysicsError(
            f"no voxel of the grid lies within a muscle ({grid.describe()}); give smaller voxels"
        )
    rng = np.random.default_rng([seed, _SCAN_STREAM])
    series = tuple(
        scan(body, grid, one_power, noise_sd, settings, rng)
        for one_power in series_protocols(protocol, normalized=normalized)
    )
    return _phantom(series, grid, body, seed, noise_sd, settings)


def _phantom(
    series: tuple[CestSeries, ...],
    grid: Geometry,
    body: LegBody,
    seed: int,
    noise_sd: float,
    settings: PhantomSettings,
) -> Phantom:
    return Phantom(
        series=series,
        geometry=grid,
        anatomy=_anatomy(body, noise_sd, np.random.default_rng([seed, _ANATOMY_STREAM])),
        fs=muscle_truth(body, body.fs),
        ksw=muscle_truth(body, body.ksw_per_s),
        relative_b1=body.relative_b1.astype(np.float32),
        b0_ppm=body.b0_ppm.astype(np.float32),
        r1_obs=body.r1_obs.astype(np.float32),
        fm=np.nan_to_num(muscle_truth(body, body.fm)),
        labels=body.labels,
        label_names=MUSCLE_NAMES,
        body=body.composition.body,
        noise_sd=noise_sd,
        seed=seed,
        settings=settings,
        tissue=body.tissue_of(body.labels > 0, settings.family),
    )


def _anatomy(body: LegBody, noise_sd: float, rng: np.random.Generator) -> np.ndarray:
    signal = SIGNAL_SCALE * np.sum(list(body.weights.values()), axis=0)
    # Anatomical images are averaged longer than a CEST frame.
    return rician(signal, SIGNAL_SCALE * noise_sd / 2, rng).astype(np.float32)


def _default_geometry(size: int, slices: int) -> Geometry:
    if not (SMALLEST_SIZE <= size <= LARGEST_SIZE and 1 <= slices <= MOST_SLICES):
        raise PhysicsError(
            f"the phantom would have {size} x {size} voxels and {slices} slices; {SMALLEST_SIZE} to "
            f"{LARGEST_SIZE} voxels a side and 1 to {MOST_SLICES} slices are possible"
        )
    spacing = FIELD_OF_VIEW_MM / size
    corner = -(FIELD_OF_VIEW_MM - spacing) / 2
    origin = (corner, corner, -(slices - 1) * SLICE_THICKNESS_MM / 2)
    return Geometry((size, size, slices), (spacing, spacing, SLICE_THICKNESS_MM), origin)


def _check(seed: int, noise_sd: float) -> None:
    if seed < 0:
        raise PhysicsError(f"the seed is {seed}; a whole number of 0 or more is expected")
    if not (math.isfinite(noise_sd) and 0 <= noise_sd <= 0.5):
        raise PhysicsError(
            f"the noise is {noise_sd:g}; the SD of Z is expected, 0 to 0.5 (0.01 is typical, not per cent)"
        )
