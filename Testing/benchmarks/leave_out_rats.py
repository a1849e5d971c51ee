"""How wrong is the network on the measured background of an animal that its training never saw?

Run: ``python Testing/benchmarks/leave_out_rats.py RATS [--site 1e6]`` with the folder of ``sub-*/sub-*_cest.nii.gz``
(4.7 T, 0.25 µT, public data of the Vanderbilt CEST group); half a minute, and with ``--site`` four minutes an animal.
Each animal's amine and MT components are taken out of its legs; exact increments of PCr, Cr, amide and NOE with known
fs and ksw (the usual ranges) are put on them. *Default* is the bundled model, which saw none of the animals; *site*
goes on from it with the backgrounds of the five others (needs torch). The bar at the noise of a region: fs within 8 %,
ksw within 20 %; what one power cannot tell is no better for being measured, so the Bayesian bound of this protocol
stands beside.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from backgrounds import extract

from PCrCESTLib.evaluation.scores import score
from PCrCESTLib.evaluation.testsets import reference_bound, scanned
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.models.training import TrainingPlan, train_model
from PCrCESTLib.synthesis.backgrounds import Backgrounds
from PCrCESTLib.synthesis.extraction import join_backgrounds
from PCrCESTLib.synthesis.families import RICH, USUAL_FS_RANGE, USUAL_KSW_RANGE_PER_S
from PCrCESTLib.synthesis.spectra import CleanSpectra, partially_synthetic

MODEL = "rat-4.7T-0.25uT"
N_TEST, NOISE_LEVELS = 1500, (0.002, 0.0005)
LEARNING_RATE = 5e-4  # as `pcrcest train` goes on from a bundled model


def usual_spectra(source: Source, background: Backgrounds, rng: np.random.Generator) -> CleanSpectra:
    """Increments of the usual fs and ksw on one animal's backgrounds."""
    clean = partially_synthetic(RICH, background, source.protocol, 4 * N_TEST, rng)
    usual = (clean.fs > USUAL_FS_RANGE[0]) & (clean.fs < USUAL_FS_RANGE[1])
    usual &= (clean.ksw > USUAL_KSW_RANGE_PER_S[0]) & (clean.ksw < USUAL_KSW_RANGE_PER_S[1])
    return clean.take(np.nonzero(usual)[0][:N_TEST])


def errors(model: Model, background: Backgrounds) -> list[float]:
    """Relative RMSE of fs and ksw, and coverage of both, at each noise level."""
    source = Source(model.card.protocol, background)
    numbers = []
    for noise in NOISE_LEVELS:
        rng = np.random.default_rng(77)
        clean = usual_spectra(source, background, rng)
        p = predict(model, scanned(source, clean, noise, rng, perfect=False), NumpyBackend())
        fs, ksw = score(p.fs, clean.fs, p.log_sd_fs), score(p.ksw, clean.ksw, p.log_sd_ksw)
        numbers += [fs.relative_rmse, ksw.relative_rmse, fs.coverage90, ksw.coverage90]
    return numbers


def main() -> None:
    """Extract, train, test and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rats", type=Path)
    parser.add_argument("--site", type=float, default=0, metavar="SAMPLES", help="train site models too")
    args = parser.parse_args()
    folders = sorted(p for p in args.rats.iterdir() if p.is_dir())
    found = {rat.name: extract(rat).backgrounds for rat in folders}
    default = find_model(MODEL)
    plan = TrainingPlan(samples=int(args.site), pool=100_000, learning_rate=LEARNING_RATE)
    heads = "".join(f"  noise {noise:g}: fs, ksw RMSE; in 90 %" for noise in NOISE_LEVELS)
    print(f"{'':<28}{heads}")
    bounds = reference_bound(default.card.protocol, NOISE_LEVELS)
    print(f"{'bound, reference muscle':<28}" + "".join(f"{b.fs:8.1%}{b.ksw:8.1%}{'':16}" for b in bounds))
    table = []
    for name, background in found.items():
        models = {"default": default}
        if args.site:
            others = join_backgrounds([b for other, b in found.items() if other != name], {})
            models["site"] = train_model("site", default.card.protocol, plan, backgrounds=others, initial=default)
        for kind, model in models.items():
            numbers = errors(model, background)
            table.append((kind, numbers))
            print(f"{name + ', ' + kind:<28}" + "".join(f"{n:8.1%}" for n in numbers), flush=True)
    for kind in models:
        rms = np.sqrt(np.mean([np.square(numbers) for k, numbers in table if k == kind], axis=0))
        print(f"{'RMS over animals, ' + kind:<28}" + "".join(f"{n:8.1%}" for n in rms))


if __name__ == "__main__":
    main()
