"""The reference paper's two training sets: partially synthetic by a summation formula, and fully synthetic.

Source: Magn Reson Med 2026 (PMID 41964083) and its public scripts. Kept: the formula, the grids, linear interpolation
of the components under a B0 shift, spectra that are not aligned to water, division by the true R1obs. Defects of the
scripts that are **not** repeated, so that the rival is not beaten by its typing errors:

- measured components scale with (B1 in µT)², right only at 1 µT; here with the B1 relative to the nominal one, squared;
- the scripts' target array comes out empty, and beyond its ends a shifted component is not a number; here the targets
  are there and the end value holds;
- the fully synthetic script stops short of the ends of its own lists (fs ≤ 1.2e-3, B1 ≤ 1, B0 ≤ 0) and passes R1obs
  as the R1 of water; here the lists are complete and water has its own R1;
- random nodes of one grid serve as validation; here validation lies between the nodes;
- comments and code disagree on the ranges; here the true ones: ±7.5 ppm (85 offsets) and 1.5…3.5 ppm (17);
- at inference only one of two powers has its minimum subtracted; here none, as in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.rivals.grids import FullGrid, PartialGrid, Values
from PCrCESTLib.rivals.samples import Samples, rival_grid_ppm
from PCrCESTLib.synthesis.backgrounds import Backgrounds, spin_lock_angle
from PCrCESTLib.synthesis.families import SEMISOLID_R1_PER_S, SOLUTE_T1_S
from PCrCESTLib.synthesis.spectra import interpolated

MEASURED_FM = 0.15  # of the tissue whose components were measured
SEMISOLID_K_PER_S, SEMISOLID_T2_S = 25.0, 5e-5
AMINE_T2_S = 0.015


def summation_z(
    dw_ppm: np.ndarray,
    b1_ut: np.ndarray,
    field_t: float,
    *,
    r1_obs: np.ndarray,
    r2w: np.ndarray,
    pools: Sequence[Pool] = (),
    fm: np.ndarray | float = 0.0,
    amine: np.ndarray | float = 0.0,
    mt: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Z by the summation formula, an approximation of Bloch–McConnell.

    Z = R1obs·cos²θ / [R1obs·cos²θ + R2w·sin²θ + (Σ Rex + amine)/(1 + fm) + MT]

    Parameters
    ----------
    dw_ppm : ndarray
        (n, n_frames) offset from the water of each spectrum.
    b1_ut : ndarray
        (n, n_frames) or (n_frames,), true B1 in µT.
    field_t : float
        Main field in T.
    r1_obs, r2w : ndarray
        (n,) s⁻¹.
    pools : sequence of Pool
        Numbers or (n,) each; their T1 does not enter.
    fm : ndarray or float
        (n,) semi-solid pool ratio.
    amine, mt : ndarray or float
        (n, n_frames) measured components, s⁻¹; ``amine`` as AREX, that is times 1 + fm.

    Returns
    -------
    ndarray
        (n, n_frames). At 2.6 ppm in typical muscle the PCr increment is right to 0.0006, but with Cr at 500 s⁻¹ Z
        itself is off by 0.007 to 0.011 (over the whole grid of the paper by up to 0.018, and beside the peak the
        increment by up to 0.005, because the formula's peaks are symmetric).
    """
    cos2, sin2 = spin_lock_angle(dw_ppm, b1_ut, field_t)
    exchange = amine + sum(exchange_rate(pool, dw_ppm, b1_ut, field_t) for pool in pools)
    water = _column(r1_obs) * cos2
    return np.asarray(water / (water + _column(r2w) * sin2 + exchange / (1 + _column(fm)) + mt))


def exchange_rate(pool: Pool, dw_ppm: np.ndarray, b1_ut: np.ndarray, field_t: float) -> np.ndarray:
    """Rex of one pool in s⁻¹, (n, n_frames): f·k·ω1² / [ω1² + (R2+k)·k + (Δω−Δω_i)²·k/(R2+k)]."""
    w1_squared = (GAMMA * b1_ut) ** 2
    k = _column(pool.k_per_s)
    leaving = 1 / _column(pool.t2_s) + k
    away = (dw_ppm - _column(pool.shift_ppm)) * field_t * GAMMA
    return np.asarray(
        _column(pool.fraction) * k * w1_squared / (w1_squared + leaving * k + away**2 * k / leaving)
    )


def _column(values: np.ndarray | float) -> np.ndarray:
    return np.asarray(values)[..., None]


def solute_pools(values: Values) -> tuple[Pool, ...]:
    """PCr, Cr, amide and NOE of drawn grid values."""
    v = values
    return (
        Pool("PCr", 2.6, v["pcr_fraction"], v["pcr_k_per_s"], SOLUTE_T1_S, v["pcr_t2_s"]),
        Pool("Cr", 2.0, v["cr_fraction"], v["cr_k_per_s"], SOLUTE_T1_S, v["cr_t2_s"]),
        Pool("amide", 3.6, v["amide_fraction"], 100.0, SOLUTE_T1_S, 0.002),
        Pool("NOE -3.3", -3.3, 0.015, 10.0, SOLUTE_T1_S, 0.0005),
    )


def observed_r1(t1w_s: np.ndarray, fm: np.ndarray) -> np.ndarray:
    """R1obs in s⁻¹ of water with its semi-solid pool in fast exchange: (R1w + fm·R1m)/(1 + fm)."""
    return np.asarray((1 / t1w_s + fm * SEMISOLID_R1_PER_S) / (1 + fm))


@dataclass(frozen=True)
class AuthorsPartial:
    """The paper's partially synthetic set: pools by the formula on measured (or simulated) amine and MT.

    Where ``backgrounds`` hold several tissues, one is drawn for every spectrum; the paper had one.

    Raises
    ------
    PCrCESTError
        When the powers of the backgrounds are not those of the protocol.
    """

    protocol: Protocol
    backgrounds: Backgrounds
    grid: PartialGrid = PartialGrid()  # noqa: RUF009 - frozen

    name = "authors-partial"
    reuse = 1

    def __post_init__(self) -> None:
        ours, theirs = self.protocol.powers_ut, tuple(self.backgrounds.b1_ut)
        if len(ours) != len(theirs) or not np.allclose(ours, theirs, rtol=0.01):
            raise PCrCESTError(
                f"the background components are for {theirs} µT, the protocol has {ours} µT; give others"
            )

    @property
    def description(self) -> str:
        """One line for the card."""
        return f"authors' partially synthetic grid ({self.grid.size} nodes), {self.backgrounds.source}"

    def draw(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` training spectra."""
        return self._samples(self.grid.draw(n, rng), rng)

    def validation(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` spectra between the nodes of the grid."""
        return self._samples(self.grid.between(n, rng), rng)

    def _samples(self, values: Values, rng: np.random.Generator) -> Samples:
        offsets = rival_grid_ppm(self.protocol)
        fm = values["mt_factor"] * MEASURED_FM
        r1_obs = observed_r1(values["t1w_s"], fm)
        dw = offsets[None, :] - values["b0_ppm"][:, None]
        which = rng.integers(self.backgrounds.n_tissues, size=len(fm))
        relative_b1 = values["relative_b1"]
        z = [
            summation_z(
                dw,
                power * relative_b1[:, None],
                self.protocol.field_t,
                r1_obs=r1_obs,
                r2w=1 / values["t2w_s"],
                pools=solute_pools(values),
                fm=fm,
                # The stored component is the amine's share of Z, AREX is that times 1 + fm of its own tissue.
                amine=self._component(self.backgrounds.amine[:, p], dw, which)
                * (values["amine_factor"] * relative_b1**2 * (1 + MEASURED_FM))[:, None],
                mt=self._component(self.backgrounds.mt[:, p], dw, which)
                * (values["mt_factor"] * relative_b1**2)[:, None],
            )
            for p, power in enumerate(self.protocol.powers_ut)
        ]
        return Samples.of(np.stack(z, axis=1), r1_obs, values["pcr_fraction"], values["pcr_k_per_s"])

    def _component(self, spectra: np.ndarray, dw: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Interpolate the drawn tissue's component (n_tissues, n_offsets) at ``dw`` (n, n_frames)."""
        return interpolated(self.backgrounds.offsets_ppm, spectra[which], dw)


@dataclass(frozen=True)
class AuthorsFull:
    """The paper's fully synthetic set: Bloch–McConnell with a simulated amine and a Lorentzian semi-solid pool."""

    protocol: Protocol
    grid: FullGrid = FullGrid()  # noqa: RUF009 - frozen

    name = "authors-full"
    reuse = 8

    @property
    def description(self) -> str:
        """One line for the card."""
        return f"authors' fully synthetic grid ({self.grid.size} nodes), exact engine"

    def draw(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` training spectra."""
        return self._samples(self.grid.draw(n, rng))

    def validation(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` spectra between the nodes of the grid."""
        return self._samples(self.grid.between(n, rng))

    def _samples(self, values: Values) -> Samples:
        offsets, powers = rival_grid_ppm(self.protocol), self.protocol.powers_ut
        z = z_spectra(
            full_tissue(values),
            self.protocol.saturation,
            np.tile(offsets, len(powers)),
            np.repeat(np.array(powers), len(offsets)),
            self.protocol.field_t,
            b0_shift_ppm=values["b0_ppm"],
            relative_b1=values["relative_b1"],
        )
        return Samples.of(
            np.asarray(z).reshape(-1, len(powers), len(offsets)),
            observed_r1(values["t1w_s"], values["fm"]),
            values["pcr_fraction"],
            values["pcr_k_per_s"],
        )


def full_tissue(values: Values) -> Tissue:
    """Tissue of the fully synthetic set."""
    amine = Pool("amine", 3.0, values["amine_fraction"], values["amine_k_per_s"], SOLUTE_T1_S, AMINE_T2_S)
    semisolid = SemisolidPool(
        fraction=values["fm"],
        k_per_s=SEMISOLID_K_PER_S,
        t1_s=1 / SEMISOLID_R1_PER_S,
        t2_s=SEMISOLID_T2_S,
        line_shape="lorentzian",
    )
    water = Water(t1_s=values["t1w_s"], t2_s=values["t2w_s"])
    return Tissue(water=water, pools=(*solute_pools(values), amine), semisolid=semisolid)
