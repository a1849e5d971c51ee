"""``pcrcest simulate``: write a digital rat leg with known fs and ksw, as files a scanner would leave."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.protocols import find_protocol

if TYPE_CHECKING:
    from PCrCESTLib.synthesis.phantom import Phantom

DEFAULT_PROTOCOL = "rat-4.7T-dual"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``simulate`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "simulate",
        help="write a digital rat-leg phantom with known fs and ksw",
        description="Write a digital rat-leg phantom: two legs of four muscles with known fs and ksw, bone, "
        "fat, vessels, B0 and B1 fields and Rician noise; NIfTI with protocol files, labels and the truth.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new or empty folder")
    parser.add_argument(
        "--protocol",
        default=DEFAULT_PROTOCOL,
        metavar="P.json|NAME",
        help="protocol file or name of a reference protocol (default: %(default)s)",
    )
    parser.add_argument("--noise", type=float, default=0.01, help="SD of Z in muscle (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses animal and noise (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="voxels a side (default: %(default)s)")
    parser.add_argument("--slices", type=int, default=1, help="number of slices (default: %(default)s)")
    parser.add_argument(
        "--normalized", action="store_true", help="write Z = M/M0 instead of images with reference frames"
    )
    parser.add_argument(
        "--family",
        default="realistic",
        metavar="NAME",
        help="muscle model: realistic, or reference as in the reference paper (default: %(default)s)",
    )
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Simulate, write and say what was written; returns the exit code.

    Raises
    ------
    PCrCESTError
        When an argument makes no sense or the folder cannot be written.
    """
    phantom = write_leg(
        args.out,
        args.protocol,
        seed=args.seed,
        noise_sd=args.noise,
        size=args.size,
        slices=args.slices,
        normalized=args.normalized,
        family=args.family,
    )
    sys.stdout.write(_summary(phantom, args.out))
    return 0


def write_leg(
    folder: Path,
    protocol: str = DEFAULT_PROTOCOL,
    *,
    seed: int = 1,
    noise_sd: float = 0.01,
    size: int = 64,
    slices: int = 1,
    normalized: bool = False,
    family: str = "realistic",
) -> Phantom:
    """Simulate a leg and write it into a new or empty folder; return what was simulated.

    Parameters
    ----------
    folder : Path
        New or empty.
    protocol : str
        A protocol file or the name of a reference protocol.
    seed : int
        Chooses animal and noise.
    noise_sd : float
        SD of Z in muscle.
    size, slices : int
        Voxels a side, number of slices.
    normalized : bool
        Z = M/M0 instead of images with reference frames.
    family : str
        Muscle model.

    Raises
    ------
    PCrCESTError
        When an argument makes no sense or the folder cannot be written.
    """
    from PCrCESTLib.synthesis.phantom import PhantomSettings, simulate_leg
    from PCrCESTLib.synthesis.phantom_files import check_free, write_phantom

    check_free(folder)
    phantom = simulate_leg(
        find_protocol(protocol),
        seed=seed,
        noise_sd=noise_sd,
        size=size,
        slices=slices,
        normalized=normalized,
        settings=PhantomSettings(family=family),
    )
    write_phantom(phantom, folder)
    return phantom


def _summary(phantom: Phantom, folder: Path) -> str:
    powers = " + ".join(f"{s.protocol.powers_ut[0]:g}" for s in phantom.series)
    lines = [
        f"{folder}: digital rat leg, seed {phantom.seed}, {phantom.geometry.describe()}",
        f"{len(phantom.series)} series at {powers} µT, SD of Z {phantom.noise_sd:g}",
    ]
    for label, name in enumerate(phantom.label_names, start=1):
        voxels = phantom.labels == label
        if voxels.any():
            fs, ksw = 1e3 * phantom.fs[voxels].mean(), phantom.ksw[voxels].mean()
            lines.append(f"  {label} {name:<24} fs {fs:.2f}e-3  ksw {ksw:3.0f} 1/s  {voxels.sum()} voxels")
    return "\n".join(lines) + "\n"
