"""Write a digital phantom as a scanner and its post-processing would leave it, plus the truth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import OutputError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.outputs import staged
from PCrCESTLib.protocol_json import protocol_to_dict, save_protocol
from PCrCESTLib.synthesis.phantom import Phantom
from PCrCESTLib.version import __version__

SUBJECT = "sub-sim"


def write_phantom(phantom: Phantom, folder: Path) -> list[Path]:
    """Write all files of ``phantom`` into ``folder``, which appears whole or not at all.

    ``sub-sim_cest-<power>uT.nii.gz`` with its protocol ``.json`` (one a power), ``_anat``, ``_R1obs`` (s⁻¹),
    ``_fm``, ``_relB1``, ``_B0ppm``, ``_labels`` (with ``_labels.tsv``: index and name), ``truth/fs``,
    ``truth/ksw`` (s⁻¹; NaN outside muscle) and ``simulate.json`` with every parameter.

    Returns
    -------
    list of Path
        The files written, sorted.

    Raises
    ------
    OutputError
        When the folder holds something already or cannot be written.
    """
    check_free(folder)
    with staged(folder) as partial:
        _write_series(phantom, partial)
        _write_maps(phantom, partial)
        _write_labels(phantom, partial)
        text = json.dumps(simulation_record(phantom), indent=1) + "\n"
        (partial / "simulate.json").write_text(text, encoding="utf-8")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def series_name(power_ut: float) -> str:
    """File stem of the series of one power."""
    return f"{SUBJECT}_cest-{power_ut:g}uT"


def simulation_record(phantom: Phantom) -> dict[str, Any]:
    """Everything needed to make the same phantom again, and its truth per muscle."""
    return {
        "Software": f"PCrCEST {__version__}",
        "Seed": phantom.seed,
        "NoiseSD": phantom.noise_sd,
        "Settings": asdict(phantom.settings),
        "Grid": {
            "Size": phantom.geometry.size,
            "SpacingMm": phantom.geometry.spacing_mm,
            "OriginMm": phantom.geometry.origin_mm,
            "Direction": phantom.geometry.direction,
        },
        "Protocols": {
            series_name(s.protocol.powers_ut[0]): protocol_to_dict(s.protocol) for s in phantom.series
        },
        "Muscles": [_muscle_record(phantom, i) for i in range(1, len(phantom.label_names) + 1)],
    }


def _muscle_record(phantom: Phantom, label: int) -> dict[str, Any]:
    voxels = phantom.labels == label
    record: dict[str, Any] = {
        "Label": label,
        "Name": phantom.label_names[label - 1],
        "Voxels": int(voxels.sum()),
    }
    if np.any(voxels):
        record |= {
            "MeanFs": float(phantom.fs[voxels].mean()),
            "MeanKswPerS": float(phantom.ksw[voxels].mean()),
        }
    return record


def _write_series(phantom: Phantom, folder: Path) -> None:
    for series in phantom.series:
        stem = series_name(series.protocol.powers_ut[0])
        _write_image(phantom, series.data, folder / f"{stem}.nii.gz")
        save_protocol(series.protocol, folder / f"{stem}.json")


def _write_maps(phantom: Phantom, folder: Path) -> None:
    maps = {
        "anat": phantom.anatomy,
        "R1obs": phantom.r1_obs,
        "fm": phantom.fm,
        "relB1": phantom.relative_b1,
        "B0ppm": phantom.b0_ppm,
    }
    for name, array in maps.items():
        _write_image(phantom, array, folder / f"{SUBJECT}_{name}.nii.gz")
    (folder / "truth").mkdir()
    _write_image(phantom, phantom.fs, folder / "truth" / "fs.nii.gz")
    _write_image(phantom, phantom.ksw, folder / "truth" / "ksw.nii.gz")


def _write_labels(phantom: Phantom, folder: Path) -> None:
    _write_image(phantom, phantom.labels, folder / f"{SUBJECT}_labels.nii.gz")
    rows = [f"{i}\t{name}" for i, name in enumerate(phantom.label_names, start=1)]
    text = "\n".join(["index\tname", *rows]) + "\n"
    (folder / f"{SUBJECT}_labels.tsv").write_text(text, encoding="utf-8")


def _write_image(phantom: Phantom, array: np.ndarray, path: Path) -> None:
    write_image(array, phantom.geometry, path)


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something, before anything is computed."""
    try:
        occupied = folder.is_dir() and any(folder.iterdir())
        is_file = folder.exists() and not folder.is_dir()
    except OSError as error:
        raise OutputError(f"{folder}: the output folder cannot be read ({error.strerror})") from error
    if is_file:
        raise OutputError(f"{folder}: a file has this name; give --out a new folder")
    if occupied:
        raise OutputError(f"{folder}: the folder is not empty; give --out a new or an empty folder")
