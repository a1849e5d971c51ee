"""``pcrcest train``: a model for one protocol."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.protocols import find_protocol


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
    add("--samples", type=float, default=12e6, help="training spectra seen in all (default: %(default)g)")
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
    from PCrCESTLib.models.training import TrainingPlan, train_model
    from PCrCESTLib.outputs import staged
    from PCrCESTLib.synthesis.backgrounds import load_backgrounds

    _check(args)
    progress = make_progress(args.progress)
    protocol = find_protocol(args.protocol)
    backgrounds = load_backgrounds(args.background) if args.background else None
    with staged(args.out, overwrite=args.overwrite) as folder:
        model = train_model(
            args.name,
            protocol,
            TrainingPlan(samples=int(args.samples), seed=args.seed),
            backgrounds=backgrounds,
            device=args.device,
            command=_command(args),
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


def _check(args: argparse.Namespace) -> None:
    if not args.name or Path(args.name).name != args.name or args.name.startswith("."):
        raise PCrCESTError(f"--name is {args.name!r}; a plain file name without folders is expected")
    if not args.samples >= 10_000:
        raise PCrCESTError(f"--samples is {args.samples:g}; at least 10000 are needed to train anything")


def _command(args: argparse.Namespace) -> str:
    """Command that makes this model again."""
    words = ["pcrcest", "train", "--protocol", args.protocol, "--name", args.name, "--out", str(args.out)]
    words += ["--samples", f"{args.samples:g}", "--seed", str(args.seed)]
    if args.background:
        words += ["--background", str(args.background)]
    return shlex.join(words)
