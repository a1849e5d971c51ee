"""``pcrcest train``: a model for one protocol."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.commands import site_background
from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.protocols import find_protocol

if TYPE_CHECKING:
    from PCrCESTLib.models.model import Model
    from PCrCESTLib.models.training import TrainingPlan
    from PCrCESTLib.progress import Progress
    from PCrCESTLib.protocol import Protocol
    from PCrCESTLib.synthesis.backgrounds import Backgrounds

SAMPLES, SAMPLES_FROM_INITIAL = 12e6, 4e6  # about 20 and 7 minutes on two cores
LEARNING_RATE_FROM_INITIAL = 5e-4  # a quarter of the usual: what the model knows is refined, not overwritten


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``train`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "train",
        help="train a model for a protocol",
        description="Train the two-branch network for a protocol on simulated muscle; needs torch. Writes NAME.npz "
        "and its model card NAME.json, for --model of quantify.",
    )
    add = parser.add_argument
    add(
        "--protocol",
        required=True,
        metavar="P.json|NAME",
        help="protocol file or name of a reference protocol",
    )
    add("--name", required=True, help="name of the model")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for NAME.npz and NAME.json")
    add(
        "--background",
        type=Path,
        metavar="FILE.npz",
        help="measured background components (default: simulated)",
    )
    site_background.add_arguments(parser)
    add(
        "--initial",
        metavar="auto|none|NAME|FILE",
        help="model to start from (default: none; with --background-from auto, the bundled one of the protocol)",
    )
    add(
        "--samples",
        type=float,
        help=f"training spectra seen in all (default: {SAMPLES:g}, or {SAMPLES_FROM_INITIAL:g} from a model)",
    )
    add("--seed", type=int, default=1, help="default: %(default)s")
    add("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="default: %(default)s")
    add("--overwrite", action="store_true", help="replace a model of this name in DIR")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Train, measure and write a model; returns the exit code.

    Raises
    ------
    PCrCESTError
        When an argument makes no sense, torch is missing, or the folder cannot be written.
    """
    from PCrCESTLib.models.model import save_model
    from PCrCESTLib.models.training import train_model
    from PCrCESTLib.outputs import staged
    from PCrCESTLib.synthesis.backgrounds import save_backgrounds

    _check(args)
    progress = make_progress(args.progress)
    protocol = find_protocol(args.protocol)
    with staged(args.out, overwrite=args.overwrite) as folder:
        backgrounds = _background(args, protocol, progress)
        if args.background_from and backgrounds is not None:
            save_backgrounds(backgrounds, folder / f"{args.name}_background.npz")
        initial = _initial(args, protocol)
        samples = int(args.samples or (SAMPLES_FROM_INITIAL if initial else SAMPLES))
        model = train_model(
            args.name,
            protocol,
            _plan(samples, args.seed, initial),
            backgrounds=backgrounds,
            initial=initial,
            device=args.device,
            command=_command(args, samples),
            report=progress.step,
        )
        save_model(model, folder)
    progress.finish(out=str(args.out), model=args.name)
    if args.progress == "bar":
        rows = [
            f"  noise {row['noise_sd']:g}: fs RMSE {row['fs_rmse']:.1%}, ksw RMSE {row['ksw_rmse']:.1%}"
            for row in model.card.measured_errors
        ]
        sys.stdout.write("\n".join([f"{args.out / args.name}.npz, on spectra never seen:", *rows]) + "\n")
    return 0


def _background(args: argparse.Namespace, protocol: Protocol, progress: Progress) -> Backgrounds | None:
    from PCrCESTLib.synthesis.backgrounds import load_backgrounds

    if args.background:
        return load_backgrounds(args.background)
    if not args.background_from:
        return None
    backgrounds, notes = site_background.site_background(
        args, protocol, lambda _, stage: progress.step(0.0, stage)
    )
    for note in notes:
        progress.warn(note)
    return backgrounds


def _initial(args: argparse.Namespace, protocol: Protocol) -> Model | None:
    from PCrCESTLib.models.registry import find_model, starting_model

    name = args.initial or ("auto" if args.background_from else "none")
    if name == "none":
        return None
    return starting_model(protocol) if name == "auto" else find_model(name)


def _plan(samples: int, seed: int, initial: Model | None) -> TrainingPlan:
    from PCrCESTLib.models.training import TrainingPlan

    usual = TrainingPlan()
    rate = LEARNING_RATE_FROM_INITIAL if initial else usual.learning_rate
    return TrainingPlan(samples=samples, seed=seed, pool=min(usual.pool, samples), learning_rate=rate)


def _check(args: argparse.Namespace) -> None:
    if not args.name or Path(args.name).name != args.name or args.name.startswith("."):
        raise PCrCESTError(f"--name is {args.name!r}; a plain file name without folders is expected")
    if args.samples is not None and not args.samples >= 10_000:
        raise PCrCESTError(f"--samples is {args.samples:g}; at least 10000 are needed to train anything")
    site_background.check_arguments(args)


def _command(args: argparse.Namespace, samples: int) -> str:
    """Command that makes this model again."""
    words = ["pcrcest", "train", "--protocol", args.protocol, "--name", args.name, "--out", str(args.out)]
    words += ["--samples", f"{samples:g}", "--seed", str(args.seed)]
    if args.background:
        words += ["--background", str(args.background)]
    if args.initial:
        words += ["--initial", args.initial]
    return shlex.join([*words, *site_background.command_words(args)])
