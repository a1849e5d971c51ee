"""The options of ``pcrcest quantify`` that say with what and how: one scan has them, and so has a batch of scans."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from PCrCESTLib.commands.corrections import add_flags
from PCrCESTLib.fitting.peak import STATED_KSW_PER_S, STATED_KSW_SD_PER_S
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.methods import METHODS
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.settings import CONVERSIONS, REX
from PCrCESTLib.models.device import DEVICES
from PCrCESTLib.physics.concentration import PCR_PROTONS

MOST_LAYERS = 50

def add_companions(parser: argparse.ArgumentParser) -> None:
    """Add the maps and regions that go with a scan."""
    add = parser.add_argument
    add("--m0", type=Path, metavar="SERIES", help="scan of M0 (NIfTI, NRRD, DICOM, Bruker), when the series has none")
    relaxation = parser.add_mutually_exclusive_group()
    relaxation.add_argument("--r1", type=Path, metavar="R1.nii.gz", help="R1 map")
    relaxation.add_argument("--t1", type=Path, metavar="T1.nii.gz", help="T1 map")
    add("--fm", type=Path, metavar="FM.nii.gz", help="MT pool-size ratio map, for the fits of a peak")
    add("--b1", type=Path, metavar="RELB1.nii.gz", help="relative B1 map (1 = nominal)")
    add("--b0", type=Path, metavar="PPM.nii.gz", help="B0 shift map; by default from the water dip")
    add("--mask", type=Path, metavar="M.nii.gz", help="where to compute; by default the body")
    add("--rois", type=Path, metavar="LABELS.nii.gz|.seg.nrrd", help="regions for the table")
    add("--anatomy", type=Path, metavar="ANAT.nii.gz", help="image under the maps of the picture")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add how to compute."""
    add = parser.add_argument
    add("--protocol", type=Path, metavar="P.json", help="protocol file, when none lies beside the series")
    add("--method", choices=tuple(METHODS), default=NETWORK, help="how to compute (default: %(default)s)")
    add("--model", default="auto", metavar="auto|NAME|FILE", help="network weights (default: by protocol)")
    add("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
    add(
        "--pcr-protons",
        type=float,
        default=PCR_PROTONS,
        metavar="N",
        help="exchangeable protons of a PCr molecule, for mM (default: %(default)g)",
    )
    _add_fit_settings(parser)
    add_flags(add)
    add_selection(parser)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add which voxels of a region count."""
    parser.add_argument(
        "--erode",
        type=_layers,
        default=0,
        metavar="N",
        help="take N layers of voxels off each region in its plane (default: %(default)s)",
    )
    parser.add_argument(
        "--exclude-flagged",
        action="store_true",
        help="leave voxels with a quality flag (other than on identifiability) out of the regions",
    )


def _layers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MOST_LAYERS:
        raise argparse.ArgumentTypeError(f"{text!r}; a whole number from 0 to {MOST_LAYERS} is expected")
    return int(text)


def names(add: Callable[[argparse.ArgumentParser], None]) -> tuple[str, ...]:
    """Names that the parsed options of ``add_companions`` or ``add_settings`` have."""
    parser = argparse.ArgumentParser()
    add(parser)
    return tuple(vars(parser.parse_args([])))


def flags(add: Callable[[argparse.ArgumentParser], None]) -> tuple[str, ...]:
    """Names of those that have no value: given or not."""
    parser = argparse.ArgumentParser()
    add(parser)
    return tuple(name for name, value in vars(parser.parse_args([])).items() if value is False)


def _add_fit_settings(parser: argparse.ArgumentParser) -> None:
    fits = parser.add_argument_group("settings of the fits of a peak, which cannot tell ksw")
    fits.add_argument(
        "--ksw",
        type=float,
        default=STATED_KSW_PER_S,
        metavar="PER_S",
        help="exchange rate at which fs is given (default: %(default)g)",
    )
    fits.add_argument(
        "--ksw-sd",
        type=float,
        default=STATED_KSW_SD_PER_S,
        metavar="PER_S",
        help="how well it is known, for the SD of fs (default: %(default)g)",
    )
    fits.add_argument(
        "--pools", type=int, choices=tuple(POOL_SETS), default=6, help="pools of mplf (default: %(default)s)"
    )
    fits.add_argument(
        "--conversion",
        choices=CONVERSIONS,
        default=REX,
        help="from peak to fs: by the Rex formula, or the JHU calibration for 3 T, 0.6 uT, 2 s (default: %(default)s)",
    )
