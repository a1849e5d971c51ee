"""How wrong is the network on a kind of muscle that its training never saw?

Run: ``python Testing/benchmarks/leave_out.py [--samples 4e6]`` (about seven minutes a model on one core; needs torch).
Each model is trained without one kind, its pools and its MT line shape, and tested on it: RMS relative error, bias and
coverage of the 90 % interval at the noise of a region (SD of Z 0.0005) and of a good voxel, in a perfect and in a
real scanner. The bar: fs within 8 %, ksw within 20 % at the noise of a region.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from PCrCESTLib.evaluation.scores import score
from PCrCESTLib.evaluation.testsets import family_set, realistic_set, reference_set, scanned
from PCrCESTLib.models import training
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.stream import REFERENCE_SHARE, Source
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds
from PCrCESTLib.synthesis.families import BROAD, TRAINING_FAMILIES, USUAL_FS_RANGE, USUAL_KSW_RANGE_PER_S
from PCrCESTLib.synthesis.spectra import CleanSpectra

SEED, N_TEST = 1, 3000
NOISE_LEVELS = (0.002, 0.0005)
Draw = Callable[[Protocol, int, np.random.Generator], CleanSpectra]


def usual_broad_set(protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Muscle of the broad family with fs and ksw of the usual ranges."""
    clean = family_set(BROAD, protocol, 4 * n, rng)
    usual = (clean.fs > USUAL_FS_RANGE[0]) & (clean.fs < USUAL_FS_RANGE[1])
    usual &= (clean.ksw > USUAL_KSW_RANGE_PER_S[0]) & (clean.ksw < USUAL_KSW_RANGE_PER_S[1])
    return clean.take(np.nonzero(usual)[0][:n])


# What is left out: pools and MT line shape; whether the reference muscle is trained on; what is tested.
HELD_OUT: dict[str, tuple[str, str, bool, Draw]] = {
    "realistic": ("rich", "super-lorentzian", True, realistic_set),
    "reference": ("paper-like", "lorentzian", False, reference_set),
    "broad": ("broad", "gaussian", True, usual_broad_set),
}


def train_without(pools: str, shape: str, reference: bool, protocol: Protocol, samples: int) -> Model:
    """Train on the families that have neither these pools nor this line shape."""
    families = tuple(f for f in TRAINING_FAMILIES if not f.name.startswith(pools) and f.line_shape != shape)
    rng = np.random.default_rng(SEED)
    backgrounds = simulate_backgrounds(protocol, training.BACKGROUNDS_PER_FAMILY, rng, families)
    source = Source(protocol, backgrounds, families, reference_share=REFERENCE_SHARE if reference else 0.0)
    return training.train_from(source, "left-out", training.TrainingPlan(samples=samples, seed=SEED), rng)


def main() -> None:
    """Train, test and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=float, default=4e6)
    parser.add_argument("--only", nargs="+", choices=tuple(HELD_OUT), default=tuple(HELD_OUT))
    args = parser.parse_args()
    protocol = named_protocol("rat-4.7T-dual")
    print("left out and tested  noise   scanner      fs RMSE   bias  in 90 %   ksw RMSE   bias  in 90 %")
    for name in args.only:
        pools, shape, reference, draw = HELD_OUT[name]
        model = train_without(pools, shape, reference, protocol, int(args.samples))
        source = Source(protocol, simulate_backgrounds(protocol, 1, np.random.default_rng(0)))
        for noise in NOISE_LEVELS:
            for perfect in (True, False):
                rng = np.random.default_rng(77)
                clean = draw(protocol, N_TEST, rng)
                p = predict(model, scanned(source, clean, noise, rng, perfect=perfect), NumpyBackend())
                cells = [score(p.fs, clean.fs, p.log_sd_fs), score(p.ksw, clean.ksw, p.log_sd_ksw)]
                numbers = "  ".join(f"{c.relative_rmse:9.1%} {c.bias:6.1%} {c.coverage90:8.1%}" for c in cells)
                print(f"{name:<20} {noise:<7g} {'perfect' if perfect else 'real':<9} {numbers}", flush=True)


if __name__ == "__main__":
    main()
