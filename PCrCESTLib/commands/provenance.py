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
WITHOUT_SPECTRA = ("rois", "anatomy")
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
    """Return the arguments of a recorded run, without its regions and anatomy, or why it cannot be taken up again.

    The files that its spectra rest on must lie where they lay, with the checksums they had.
    """
    options, inputs = record.get("options"), record.get("inputs")
    if not isinstance(options, dict) or not isinstance(inputs, list) or set(OPTIONS) - set(options):
        return "the run was made by another version, which kept no options"
    settings = _parsed(options)
    if settings is None:
        return "the record of the run is damaged"
    given: dict[str, Any] = dict.fromkeys(FILES)
    series = []
    for entry in inputs:
        if not isinstance(entry, dict):
            return "the record of the run is damaged"
        if entry.get("role") in WITHOUT_SPECTRA:
            continue
        path = Path(str(entry.get("path")))
        if not path.exists():
            seen_from = (
                "" if path.is_absolute() else f" (as seen from {Path.cwd()}, where the run may not have been)"
            )
            return f"{path} is not there any more{seen_from}"
        if input_checksum(path) != entry.get("sha256"):
            return f"{path} has changed since"
        if entry.get("role") == "series":
            series.append(path)
        else:
            given[str(entry.get("role"))] = path
    return argparse.Namespace(**(settings | given | {"series": series}))


def _parsed(options: dict[str, Any]) -> dict[str, Any] | None:
    """Return recorded options as the command line would take them, None where it would not."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_settings(parser)
    flags = {f"--{name.replace('_', '-')}": options[name] for name in OPTIONS}
    given = [f if v is True else f"{f}={v}" for f, v in flags.items() if v is not None and v is not False]
    try:
        return vars(parser.parse_args(given))
    except (argparse.ArgumentError, SystemExit):
        return None


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
