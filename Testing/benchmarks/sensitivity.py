"""What fs and ksw lose when a number that the phantoms hold fixed is another one.

Run: ``python Testing/benchmarks/sensitivity.py`` (seconds). The reference paper's muscle from the exact engine, dual
power, noise of Z 0.002, R1 known, B1 unknown; one parameter at a time leaves its usual value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.measure import error_summary
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.preparation.b0 import shift_from_dip
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue, observed_r1
from PCrCESTLib.synthesis.spectra import at_power, frames_of

N, NOISE_SD, T1_S, FM = 2000, 0.002, 1.62, 0.1
PCR_T2_S = (0.006, 0.008, 0.010, 0.012, 0.014)
RELATIVE_B1 = (0.75, 0.9, 1.0, 1.1, 1.25)


def errors(tissue: Tissue, fs: np.ndarray, ksw: np.ndarray, relative_b1: float, seed: int) -> dict[str, float]:
    """Relative errors and coverage of the bundled dual model on noisy spectra of ``tissue``."""
    rng = np.random.default_rng(seed)
    model = find_model("rat-4.7T-dual")
    protocol = model.card.protocol
    offsets, b1_ut = frames_of(protocol)
    b0 = rng.uniform(-0.15, 0.15, N)
    z = np.asarray(
        z_spectra(
            tissue, protocol.saturation, offsets, b1_ut, protocol.field_t, b0_shift_ppm=b0, relative_b1=relative_b1
        )
    )
    z = z + rng.normal(0, NOISE_SD, z.shape)
    blocks, axes = [], []
    for power in protocol.powers_ut:
        frames = at_power(b1_ut, power)
        frames = frames[np.argsort(offsets[frames])]
        blocks.append(z[:, frames])
        axes.append(offsets[frames])
    shift, _ = shift_from_dip(blocks[0], axes[0])
    r1 = np.full(N, float(observed_r1(np.array(T1_S), np.array(FM))))
    spectra = Spectra(axes, blocks, np.full(N, NOISE_SD), shift, r1, np.full(N, np.nan))
    return error_summary(predict(model, spectra, NumpyBackend()), fs, ksw)


def show(label: str, summary: dict[str, float]) -> None:
    """Print one row."""
    numbers = [summary[f"{q}_{k}"] for q in ("fs", "ksw") for k in ("bias", "rmse", "coverage90")]
    print(f"{label:<24}" + "".join(f"{n:9.1%}" for n in numbers))


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    fs, ksw = rng.uniform(0.6e-3, 1.4e-3, N), rng.uniform(60, 160, N)
    constant = [np.full(N, v) for v in (T1_S, 0.024, FM)]
    tissue = muscle_tissue(fs, ksw, *constant, family="reference")
    print(f"{'':<24}" + "".join(f"{h:>9}" for h in ("fs bias", "RMSE", "in 90 %", "ksw bias", "RMSE", "in 90 %")))
    for t2 in PCR_T2_S:
        changed = tissue.with_pool(replace(tissue.pool("PCr"), t2_s=t2))
        show(f"T2 of PCr {1e3 * t2:.0f} ms", errors(changed, fs, ksw, 1.0, 1))
    for b1 in RELATIVE_B1:
        show(f"relative B1 {b1:g}", errors(tissue, fs, ksw, b1, 2))


if __name__ == "__main__":
    main()
