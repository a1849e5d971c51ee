"""Train a network to compare with: ``python -m PCrCESTLib.rivals.train``.

Not a ``pcrcest`` command, because users have no need of it. An interrupted training goes on with the same command.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import CancelledError, PCrCESTError
from PCrCESTLib.models.stream import Source
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import find_protocol
from PCrCESTLib.rivals.architecture import FIXED, Architecture, regression_loss
from PCrCESTLib.rivals.layers import Arrays
from PCrCESTLib.rivals.plan import PRECISIONS, RivalPlan, State
from PCrCESTLib.rivals.recipe import AuthorsFull, AuthorsPartial
from PCrCESTLib.rivals.rival import NETWORKS, Rival, RivalCard, make_architecture, save_rival
from PCrCESTLib.rivals.samples import ExactSamples, Samples, SampleSource, rival_grid_ppm
from PCrCESTLib.rivals.training import distinct_spectra, train_rival
from PCrCESTLib.synthesis.backgrounds import Backgrounds, load_backgrounds, simulate_backgrounds
from PCrCESTLib.version import __version__

DATA = ("authors-partial", "authors-full", "exact-partial", "exact-full", "exact-mixed")
BACKGROUNDS_PER_FAMILY = 24
_CHECK = 8192


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write a rival; returns the exit code: 0 done, 2 unusable input, 130 interrupted."""
    args = _parser().parse_args(arguments)
    try:
        return run(
            args, shlex.join(["python", "-m", "PCrCESTLib.rivals.train", *(arguments or sys.argv[1:])])
        )
    except (KeyboardInterrupt, CancelledError):
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except PCrCESTError as error:
        print(error, file=sys.stderr)
        return 2


def run(args: argparse.Namespace, command: str) -> int:
    """Train as the arguments say; returns 0.

    Raises
    ------
    PCrCESTError
        When an argument makes no sense, torch is missing, or the checkpoint belongs to another training.
    """
    _limit_threads(args.threads)
    protocol = find_protocol(args.protocol)
    backgrounds = load_backgrounds(args.background) if args.background else None
    source = make_source(args.data, protocol, backgrounds, args.seed)
    network = make_architecture(args.network, rival_grid_ppm(protocol), len(protocol.powers_ut))
    name = args.name or f"{args.network}-{args.data}"
    plan = RivalPlan(
        samples=int(args.samples),
        seconds=args.seconds,
        round_samples=args.round,
        learning_rate=args.learning_rate,
        decay=args.decay,
        precision=args.precision,
        seed=args.seed,
    )
    progress = make_progress(args.progress)
    state = train_rival(
        network,
        source,
        plan,
        checkpoint=args.out / f"{name}.checkpoint.npz",
        device=args.device,
        report=progress.step,
    )
    save_rival(finished_rival(name, args.network, source, plan, state, command), args.out)
    progress.finish(out=str(args.out), model=name)
    return 0


def make_source(
    data: str, protocol: Protocol, backgrounds: Backgrounds | None = None, seed: int = 1
) -> SampleSource:
    """Return one of the kinds of training data; backgrounds are simulated where none are given.

    Raises
    ------
    PCrCESTError
        When no kind has that name.
    """
    if data not in DATA:
        raise PCrCESTError(f"no training data are called {data!r}; there are {', '.join(DATA)}")
    if data == "authors-full":
        return AuthorsFull(protocol)
    if backgrounds is None:
        backgrounds = simulate_backgrounds(protocol, BACKGROUNDS_PER_FAMILY, np.random.default_rng(seed))
    if data == "authors-partial":
        return AuthorsPartial(protocol, backgrounds)
    return ExactSamples(Source(protocol, backgrounds), data.removeprefix("exact-"))


def finished_rival(
    name: str, network: str, source: SampleSource, plan: RivalPlan, state: State, command: str
) -> Rival:
    """Put the best weights and the facts of the training together."""
    best = state.best_row
    training = {
        "data": source.name,
        "description": source.description,
        "command": command,
        "seed": plan.seed,
        "samples": int(state.history[-1]["samples"]),
        "distinct_spectra": distinct_spectra(source, plan, state.rounds),
        "seconds": round(state.seconds),
        "batch": plan.batch,
        "learning_rate": plan.learning_rate or "the network's own",
        "decay": plan.decay,
        "noise": list(plan.noise),
        "precision": plan.precision,
        "best_at_samples": int(best["samples"]),
        "validation_loss_without_noise": round(best["validation_clean"], 3),
        "validation_loss_at_noise_0.01": round(best["validation_noisy"], 3),
        "pcrcest": __version__,
    }
    architecture = make_architecture(network, rival_grid_ppm(source.protocol), len(source.protocol.powers_ut))
    check = source.draw(_CHECK, np.random.default_rng((plan.seed, _CHECK)))
    training |= losses_on(check, architecture, state.best)
    r1_obs = check.r1_obs
    grid = tuple(float(o) for o in rival_grid_ppm(source.protocol))
    card = RivalCard(name, network, source.protocol.powers_ut, grid, round(float(r1_obs.mean()), 4), training)
    # Half precision keeps every file below a megabyte; the losses above were measured before.
    return Rival(card, {k: v if k.startswith(FIXED) else _rounded(v) for k, v in state.best.items()})


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.astype(np.float16), dtype=np.float32)


def losses_on(check: Samples, network: Architecture, weights: Arrays) -> dict[str, float]:
    """Loss without noise on draws like those of the training, beside that of always guessing their mean.

    The reference paper's log has this loss, with 263 at best; guessing the mean of its grid has 2250.
    """
    import torch

    params = {key: torch.from_numpy(values) for key, values in weights.items()}
    targets = torch.from_numpy(check.targets)
    with torch.no_grad():
        estimate = network.forward(params, torch.from_numpy(check.ratio)).targets
    guess = targets.mean(0).expand(len(check), 2)
    return {
        "training_like_loss_without_noise": round(float(regression_loss(estimate, targets)), 3),
        "training_like_loss_of_the_mean": round(float(regression_loss(guess, targets)), 3),
    }


def _limit_threads(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m PCrCESTLib.rivals.train", description=__doc__)
    add = parser.add_argument
    add("--network", required=True, choices=NETWORKS, help="which network")
    add("--data", required=True, choices=DATA, help="what it learns from")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the rival and its checkpoint")
    add("--name", help="name of the rival (default: network and data)")
    add("--protocol", default="rat-4.7T-dual", metavar="P.json|NAME", help="default: %(default)s")
    add("--background", type=Path, metavar="FILE.npz", help="measured components (default: simulated)")
    add("--samples", type=float, default=RivalPlan.samples, help="spectra seen in all (default: %(default)g)")
    add("--seconds", type=float, default=math.inf, help="stop after this time too (default: no limit)")
    add("--learning-rate", type=float, default=0.0, help="Adam's (default: the network's own)")
    add("--decay", action="store_true", help="let the learning rate fall along a cosine")
    add(
        "--round",
        type=int,
        default=RivalPlan.round_samples,
        metavar="SAMPLES",
        help="spectra between checkpoints (default: %(default)s)",
    )
    add("--precision", choices=PRECISIONS, default="fp32", help="of convolutions (default: %(default)s)")
    add("--threads", type=int, default=0, help="torch threads (default: torch's choice)")
    add("--device", default="cpu", help="torch device (default: %(default)s)")
    add("--seed", type=int, default=1, help="default: %(default)s")
    add("--progress", choices=KINDS, default="bar", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
