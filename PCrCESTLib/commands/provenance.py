"""What a run tells of itself in ``quantify.json``, and how it is taken up again from that."""

from __future__ import annotations

import argparse
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.commands.quantify_options import add_companions, add_settings, names
from PCrCESTLib.commands.subject import Subject, settings_of
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.preparation.zseries import protocol_of
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.quantify import Maps
from PCrCESTLib.roi import ROI_SPECTRUM
from PCrCESTLib.version import __version__

FILES = ("protocol", *names(add_companions))
OPTIONS = tuple(name for name in names(add_settings) if name not in FILES)


def record_of(
    args: argparse.Namespace, subject: Subject, result: Maps, warnings: list[str]
) -> dict[str, Any]:
    """Return everything that the numbers of a run rest on."""
    given = {name: getattr(args, name) for name in FILES}
    files = [("series", path) for path in args.series] + [(n, p) for n, p in given.items() if p is not None]
    facts = subject.method.record()
    if "device" in facts:
        facts["device"] = {"requested": args.device, **facts["device"]}
    facts["roi_estimator"] = f"{ROI_SPECTRUM}: {facts['roi_estimator']}"
    return {
        "software": f"PCrCEST {__version__}",
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "inputs": [{"role": role, "path": str(path), "sha256": input_checksum(path)} for role, path in files],
        "options": {name: getattr(args, name) for name in OPTIONS},
        "protocol": protocol_to_dict(protocol_of(subject.series)),
        "method": args.method,
        **({} if args.method == NETWORK else {"settings": asdict(settings_of(args))}),
        **facts,
        "pcr_protons": args.pcr_protons,
        "noise_sd": {
            f"{p:g} uT": sd for p, sd in zip(subject.series.powers_ut, result.voxels.noise_sd, strict=True)
        },
        "n_voxels": int(result.voxels.mask.sum()),
        "versions": versions(),
        "warnings": warnings,
    }


def arguments_of(record: dict[str, Any]) -> argparse.Namespace | str:
    """Return the arguments of a recorded run, or a sentence why it cannot be taken up again.

    Its files must lie where they lay, with the checksums they had.
    """
    options, inputs = record.get("options"), record.get("inputs")
    if not isinstance(options, dict) or not isinstance(inputs, list) or set(OPTIONS) - set(options):
        return "the run was made by another version, which kept no options"
    given: dict[str, Any] = dict.fromkeys(FILES)
    series = []
    for entry in inputs:
        path = Path(str(entry.get("path")))
        if not path.exists():
            return f"{path} is not there any more"
        if input_checksum(path) != entry.get("sha256"):
            return f"{path} has changed since"
        if entry.get("role") == "series":
            series.append(path)
        else:
            given[str(entry.get("role"))] = path
    return argparse.Namespace(**(options | given | {"series": series}))


def versions() -> dict[str, str]:
    """Versions of what computed."""
    import scipy
    import SimpleITK as sitk

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": str(scipy.__version__),
        "SimpleITK": sitk.Version.VersionString(),
        "platform": platform.system(),
    }
