"""What each single disturbance costs: the reference muscle, disturbed one way at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.evaluation.methods import Method
from PCrCESTLib.evaluation.pictures import drawn, method_style
from PCrCESTLib.evaluation.scores import score
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.augment import add_noise
from PCrCESTLib.synthesis.families import REFERENCE, SOLUTE_T1_S, MuscleDraw, draw_muscle
from PCrCESTLib.synthesis.reference import R1_KNOWN_TO
from PCrCESTLib.synthesis.spectra import at_power, fat_spectra, frames_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOISE_SD, LOW_SIGNAL_NOISE_SD = 0.002, 0.01
BAR = 1.3
USUAL = "undisturbed"
Table = dict[str, dict[str, float]]  # relative RMSE by disturbance and method
DRIFT, FAT_RATIO = 0.02, 0.2
# T2 of the semi-solid pool that gives other line shapes a similar effect as the reference's Lorentzian.
OTHER_LINES_T2_S = {"super-lorentzian": 1.0e-5, "gaussian": 1.5e-5}
# Real muscle has these pools and the second peak of PCr besides: shift (ppm), fraction, rate (s⁻¹), T2 (s).
MORE_POOLS = {
    "hydroxyl": (1.0, 2.0e-3, 1500.0, 0.010),
    "NOE -1": (-1.0, 0.8e-3, 20.0, 0.003),
    "NOE -1.6": (-1.6, 3.0e-3, 15.0, 0.002),
    "NOE -2.7": (-2.7, 4.0e-3, 12.0, 0.001),
}


@dataclass(frozen=True)
class Disturbance:
    """One way in which a scan differs: fields (ppm, relative), what is told, tissue and what happens to the frames."""

    name: str
    b0_ppm: float = 0.0
    relative_b1: float = 1.0
    b1_told: bool = False
    r1_factor: float = 1.0
    line_shape: str = ""
    pools: bool = False
    drift: float = 0.0
    fat_ratio: float = 0.0
    noise_sd: float = NOISE_SD
    rician: bool = True
    baseline: str = USUAL


DISTURBANCES = (
    Disturbance(USUAL),
    Disturbance("B0 +0.5 ppm", b0_ppm=0.5),
    Disturbance("B0 −0.5 ppm", b0_ppm=-0.5),
    Disturbance("B1 +25 %, not told", relative_b1=1.25),
    Disturbance("B1 −25 %, not told", relative_b1=0.75),
    Disturbance("B1 +25 %, B1 map", relative_b1=1.25, b1_told=True),
    Disturbance("B1 −25 %, B1 map", relative_b1=0.75, b1_told=True),
    Disturbance("R1obs told 10 % too high", r1_factor=1.1),
    Disturbance("R1obs told 10 % too low", r1_factor=0.9),
    Disturbance("MT line super-Lorentzian", line_shape="super-lorentzian"),
    Disturbance("MT line Gaussian", line_shape="gaussian"),
    Disturbance("five more pools", pools=True),
    Disturbance("M0 drift 2 %", drift=DRIFT),
    Disturbance("fat 20 %", fat_ratio=FAT_RATIO),
    Disturbance("noise 0.01, normal", noise_sd=LOW_SIGNAL_NOISE_SD, rician=False, baseline=""),
    Disturbance("noise 0.01, Rician", noise_sd=LOW_SIGNAL_NOISE_SD, baseline="noise 0.01, normal"),
)


def robustness_section(methods: Sequence[Method], protocol: Protocol, effort: Effort) -> Section:
    """RMSE of fs and ksw under every disturbance, and its ratio to the same method's RMSE without it."""
    tables = robustness_tables(methods, protocol, effort)
    names = [m.name for m in methods]
    text = [
        f"The reference muscle at noise {NOISE_SD:g}, B0 0 and B1 as nominal but not told, {effort.n_spectra} spectra; "
        "RMSE relative to the mean, and in brackets over that of the same method undisturbed. *Five more pools* are "
        "hydroxyl at 1 ppm, the second PCr peak at 1.94 ppm and NOE at −1, −1.6 and −2.7 ppm. M0 drifts linearly over "
        "the frames of each power. Fat is a fifth of the water's signal, in three lines. Our training contains pools, "
        "line shapes, drifts and fat of these kinds in other combinations; the networks to compare with have not met "
        "most of them.\n",
    ]
    for quantity, table in tables.items():
        rows = [[d.name, *_cells(table, d, names)] for d in DISTURBANCES]
        text += [markdown_table([quantity, *names], rows), _verdict(table, names[0], quantity)]
    figures = drawn("robustness.png", lambda: _figure(tables, names))
    numbers = {f"{quantity}_rmse": table for quantity, table in tables.items()}
    return Section("Robustness", "\n".join(text), figures, numbers)


def robustness_tables(methods: Sequence[Method], protocol: Protocol, effort: Effort) -> dict[str, Table]:
    """Relative RMSE by quantity, disturbance and method; every disturbance meets the same tissues and noise."""
    source = source_of(protocol)
    tables: dict[str, Table] = {"fs": {}, "ksw": {}}
    for disturbance in DISTURBANCES:
        rng = np.random.default_rng(effort.seed)
        draw = draw_muscle(REFERENCE, effort.n_spectra, rng)
        spectra = disturbed_scan(disturbance, draw, source, rng)
        estimates = {m.name: m.estimate(spectra) for m in methods}
        tables["fs"][disturbance.name] = {k: score(e.fs, draw.fs).rmse for k, e in estimates.items()}
        tables["ksw"][disturbance.name] = {k: score(e.ksw, draw.ksw).rmse for k, e in estimates.items()}
    return tables


def disturbed_scan(
    disturbance: Disturbance, draw: MuscleDraw, source: Source, rng: np.random.Generator
) -> Spectra:
    """Scan n tissues with one disturbance, prepared as ``quantify`` prepares spectra."""
    d, n, protocol = disturbance, len(draw.fs), source.protocol
    b0, b1 = np.full(n, d.b0_ppm), np.full(n, d.relative_b1)
    offsets, b1_ut = frames_of(protocol)
    tissue = _tissue(d, draw)
    z = np.asarray(
        z_spectra(
            tissue, protocol.saturation, offsets, b1_ut, protocol.field_t, b0_shift_ppm=b0, relative_b1=b1
        )
    )
    if d.fat_ratio:
        z = (z + d.fat_ratio * fat_spectra(protocol, b0, b1, rng)) / (1 + d.fat_ratio)
    z = (z * drift_factors(protocol, d.drift)).astype(np.float32)
    sigma = np.full(n, d.noise_sd, dtype=np.float32)
    blocks = [_noisy(block, sigma, d.rician, rng) for block in source.blocks(z)]
    r1_obs = draw.r1_obs * d.r1_factor * (1 + R1_KNOWN_TO * rng.standard_normal(n))
    return source.prepared(blocks, sigma, r1_obs, b1 if d.b1_told else np.full(n, np.nan))


def drift_factors(protocol: Protocol, drift: float) -> np.ndarray:
    """Factor of every saturated frame, (n_frames,), when M0 rises by ``drift`` over the frames of each power."""
    _, b1_ut = frames_of(protocol)
    factors = np.ones(len(b1_ut))
    for power in protocol.powers_ut:
        frames = at_power(b1_ut, power)
        factors[frames] = np.linspace(1, 1 + drift, len(frames))
    return factors


def _tissue(d: Disturbance, draw: MuscleDraw) -> Tissue:
    tissue = draw.tissue
    if d.line_shape and tissue.semisolid is not None:
        semisolid: SemisolidPool = replace(
            tissue.semisolid, line_shape=d.line_shape, t2_s=OTHER_LINES_T2_S[d.line_shape]
        )
        tissue = replace(tissue, semisolid=semisolid)
    if d.pools:
        for name, (shift, fraction, k, t2) in MORE_POOLS.items():
            tissue = tissue.with_pool(Pool(name, shift, fraction, k, SOLUTE_T1_S, t2))
        tissue = tissue.with_pool(Pool("PCr 1.94", 1.94, draw.fs / 2, draw.ksw / 2.2, SOLUTE_T1_S, 0.010))
    return tissue


def _noisy(z: np.ndarray, sigma: np.ndarray, rician: bool, rng: np.random.Generator) -> np.ndarray:
    if rician:
        return add_noise(z, sigma, rng)
    return np.asarray(z + rng.standard_normal(z.shape, dtype=np.float32) * sigma[:, None], dtype=np.float32)


def _growth(table: Table, d: Disturbance, name: str) -> float:
    return table[d.name][name] / table[d.baseline][name] if d.baseline else 1.0


def _cells(table: Table, d: Disturbance, names: Sequence[str]) -> list[str]:
    return [f"{table[d.name][n]:.1%} ({_growth(table, d, n):.2f})" for n in names]


def _verdict(table: Table, ours: str, quantity: str) -> str:
    beyond = [(d.name, _growth(table, d, ours)) for d in DISTURBANCES if _growth(table, d, ours) > BAR]
    if not beyond:
        return f"The RMSE of {quantity} by {ours} stays within {BAR:g} × under every disturbance.\n"
    listed = ", ".join(f"{name} ({growth:.2f})" for name, growth in beyond)
    return f"The RMSE of {quantity} by {ours} grows to more than {BAR:g} × under: {listed}.\n"


def _figure(tables: dict[str, Table], names: Sequence[str]) -> Figure:
    from PCrCESTLib.figures.canvas import new_figure

    figure = new_figure("the figures of the evaluation", figsize=(11, 5.2), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True)
    places = np.arange(len(DISTURBANCES))
    ticks = [2, 5, 10, 20, 50, 100]
    for axes, (quantity, table) in zip(panels, tables.items(), strict=True):
        for i, name in enumerate(names):
            values = [100 * table[d.name][name] for d in DISTURBANCES]
            axes.plot(values, places, linestyle="none", label=name, **method_style(i))
        axes.set(xlabel=f"RMSE of {quantity}, %", xscale="log")
        axes.set_xticks(ticks, [str(t) for t in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels[0].set_yticks(places, [d.name for d in DISTURBANCES])
    panels[0].invert_yaxis()
    panels[-1].legend(fontsize="small")
    return figure
