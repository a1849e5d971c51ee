"""What a protocol will give: expected SD of fs and ksw, whether ksw can be told at all, and what would help.

Every figure is a Cramér–Rao bound: no method does better, a good one comes close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.advice.design import Progress
from PCrCESTLib.advice.search import SearchResult, search_protocols
from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.bound import Bound, bound, is_costly
from PCrCESTLib.physics.library import HUMAN_UP_TO_T, human_muscle, rat_muscle, reference_muscle
from PCrCESTLib.physics.prior import FS, KSW, default_prior, get_value, with_values
from PCrCESTLib.physics.tissue import Tissue
from PCrCESTLib.protocol import Protocol

TISSUES = ("auto", "rat", "human", "reference")
FS_FACTORS = (0.6, 1.0, 1.4)  # the reference paper's fs grid is 0.6 to 1.4 times its middle
KSW_PER_S = (60.0, 105.0, 160.0)
DEFAULT_NOISE = (0.01, 0.005)  # the public rat legs have 0.009
DEFAULT_ROI_VOXELS = (1, 16, 64, 400)
SEARCH_ROI_VOXELS = 64
# SD after the scan over SD before it: above the first, the scan taught nothing worth showing; above the
# second, more than half of what is shown is prior.
NOT_IDENTIFIABLE, WEAKLY_IDENTIFIABLE = 0.9, 0.5


@dataclass(frozen=True)
class Precision:
    """Expected precision of one ROI.

    Parameters
    ----------
    noise_sd : float
        SD of Z in one voxel.
    n_voxels : int
        Voxels in the ROI; the mean of their spectra has noise ``noise_sd/√n_voxels``.
    fs_percent, ksw_percent : float
        RMS relative SD over the tissues considered, percent.
    correlation : float
        Mean correlation of fs and ksw.
    fs_narrowing, ksw_narrowing : float
        SD after the scan over SD before it; 1 when the scan taught nothing.
    """

    noise_sd: float
    n_voxels: int
    fs_percent: float
    ksw_percent: float
    correlation: float
    fs_narrowing: float
    ksw_narrowing: float

    @property
    def fs_identifiable(self) -> str:
        """``yes``, ``weakly`` or ``no``."""
        return _verdict(self.fs_narrowing)

    @property
    def ksw_identifiable(self) -> str:
        """``yes``, ``weakly`` or ``no``."""
        return _verdict(self.ksw_narrowing)


@dataclass(frozen=True)
class Advice:
    """Everything that ``advise`` found.

    Parameters
    ----------
    protocol : Protocol
        The protocol asked about.
    tissue_name : str
        rat, human or reference.
    n_tissues : int
        Tissues over which the RMS is taken: nine, three fs by three ksw, or the middle one where simulation is slow.
    prior_percent : tuple of float
        Relative SD of fs and of ksw before the scan, percent.
    table : tuple of Precision
        By noise, then ROI size.
    search_noise_sd : float
        SD of Z for which protocols were compared.
    search : SearchResult, optional
        Protocols of equal scan time, when asked for.
    """

    protocol: Protocol
    tissue_name: str
    n_tissues: int
    prior_percent: tuple[float, float]
    table: tuple[Precision, ...]
    search_noise_sd: float
    search: SearchResult | None


def advise(
    protocol: Protocol,
    *,
    tissue_name: str = "auto",
    noise_sd: Sequence[float] = DEFAULT_NOISE,
    roi_voxels: Sequence[int] = DEFAULT_ROI_VOXELS,
    search: bool = True,
    target: str = "both",
    max_b1_ut: float = 2.0,
    progress: Progress | None = None,
) -> Advice:
    """Forecast what ``protocol`` gives and search protocols of the same scan time that give more.

    Parameters
    ----------
    tissue_name : str
        ``rat`` or ``human`` (leg muscle of the library at the protocol's field), ``reference`` (the reference
        paper's simulated muscle) or ``auto`` (human up to 3.5 T, else rat).
    noise_sd : sequence of float
        Voxel SDs of Z; the first, in an ROI of 64 voxels, is the one for which protocols are compared.
    roi_voxels : sequence of int
        ROI sizes.
    search, target, max_b1_ut, progress
        As in ``search_protocols``.

    Raises
    ------
    PhysicsError
        When a number makes no sense, the tissue is unknown, or the library has nothing at that field.
    """
    if not noise_sd or not roi_voxels or min(roi_voxels) < 1:
        raise PhysicsError("at least one noise level and one ROI size of one voxel or more are expected")
    name = resolve_tissue_name(tissue_name, protocol.field_t)
    # Measured for 20 Gaussian pulses: two minutes for the tissue in the middle, twenty for all nine.
    tissue = evaluation_tissues(name, protocol.field_t, grid=not is_costly(protocol.saturation))
    tell = progress or (lambda fraction, phrase: None)
    tell(0.0, "precision of the given protocol")
    prior = default_prior(tissue)
    levels = [(float(sd), int(n)) for sd in noise_sd for n in roi_voxels]
    found = bound(protocol, tissue, [sd / np.sqrt(n) for sd, n in levels], prior)
    search_noise = float(noise_sd[0] / np.sqrt(SEARCH_ROI_VOXELS))
    result = None
    if search:
        result = search_protocols(
            protocol, tissue, prior, search_noise, target=target, max_b1_ut=max_b1_ut, progress=tell
        )
    spread = {p.path: 100.0 * p.sd for p in prior}
    return Advice(
        protocol=protocol,
        tissue_name=name,
        n_tissues=tissue.n_tissues,
        prior_percent=(spread[FS], spread[KSW]),
        table=tuple(_precision(found, i, *level) for i, level in enumerate(levels)),
        search_noise_sd=search_noise,
        search=result,
    )


def resolve_tissue_name(name: str, field_t: float) -> str:
    """Turn ``auto`` into human or rat by the field (T).

    Raises
    ------
    PhysicsError
        When the name is none of ``TISSUES``.
    """
    if name not in TISSUES:
        raise PhysicsError(f"the tissue is {name!r}; one of {', '.join(TISSUES)} is expected")
    if name != "auto":
        return name
    return "human" if field_t <= HUMAN_UP_TO_T else "rat"


def evaluation_tissues(name: str, field_t: float, *, grid: bool = True) -> Tissue:
    """Return nine tissues, three fs by three ksw over the reference ranges, at ``field_t`` tesla.

    Without ``grid`` only the one in the middle.

    Raises
    ------
    PhysicsError
        When the library has nothing for that tissue at that field.
    """
    makers = {"rat": rat_muscle, "human": human_muscle}
    base = makers[name](field_t) if name in makers else reference_muscle()
    factors, rates = (FS_FACTORS, KSW_PER_S) if grid else (FS_FACTORS[1:2], KSW_PER_S[1:2])
    factor, ksw = (axis.ravel() for axis in np.meshgrid(factors, rates, indexing="ij"))
    ratio = ksw / float(get_value(base, KSW))
    scaled = {}
    for peak in ("pcr", "pcr_second"):
        if any(pool.name == peak for pool in base.pools):
            scaled[f"{peak}.fraction"] = factor * get_value(base, f"{peak}.fraction")
            scaled[f"{peak}.k_per_s"] = ratio * get_value(base, f"{peak}.k_per_s")
    return with_values(base, scaled)


def _precision(found: Bound, level: int, noise_sd: float, n_voxels: int) -> Precision:
    def rms(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean(values[:, level] ** 2)))

    return Precision(
        noise_sd=noise_sd,
        n_voxels=n_voxels,
        fs_percent=100.0 * rms(found.relative_sd(FS)),
        ksw_percent=100.0 * rms(found.relative_sd(KSW)),
        correlation=float(found.correlation[:, level].mean()),
        fs_narrowing=rms(found.narrowing(FS)),
        ksw_narrowing=rms(found.narrowing(KSW)),
    )


def _verdict(narrowing: float) -> str:
    if narrowing >= NOT_IDENTIFIABLE:
        return "no"
    return "weakly" if narrowing >= WEAKLY_IDENTIFIABLE else "yes"
