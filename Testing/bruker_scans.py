"""Small Bruker scans as ParaVision 5.1, 6 and 360 write them, and ways to damage them."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STYLES = ("PV5.1", "PV6", "PV360")
MHZ = 200.325  # 4.7 T
OFFSETS_PPM = (100.0, -3.5, 0.0, 2.0, 2.6, 3.5)  # a reference, then the Z-spectrum
AXIAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
BLOCK_PULSE = "(5000, 0.256, 38327.4, No, 3, 1280, 1, 1, 0, 50, 0.0343, <bp.exc>)"  # 0.5 µT

Changes = Mapping[str, str | None]


def numbers(values: Any, *shape: int, runs: bool = False) -> str:
    """An array as JCAMP-DX has it, wrapped after a blank; with ``runs`` as ParaVision 360 shortens it."""
    flat = [f"{v:.15g}" for v in np.asarray(values, dtype=float).ravel()]
    size = shape or (len(flat),)
    words = [f"@{len(flat)}*({flat[0]})"] if runs and len(flat) > 4 and len(set(flat)) == 1 else flat
    lines = textwrap.wrap(" ".join(words), 77, break_on_hyphens=False)
    return f"( {', '.join(map(str, size))} )\n" + " \n".join(lines)


def text(value: str) -> str:
    return f"( 65 )\n<{value}>"


def images_of(n_frames: int, *size: int, seed: int = 3) -> np.ndarray:
    """Stored values (n_frames, …, y, x), all different in one frame so that any mix-up of axes shows."""
    rng = np.random.default_rng(seed)
    n = int(np.prod(size))
    return np.stack([rng.permutation(n) + 100 * (f + 1) for f in range(n_frames)]).reshape(n_frames, *size)


def write_scan(
    folder: Path,
    style: str = "PV6",
    images: np.ndarray | None = None,
    groups: Sequence[tuple[int, str]] | None = None,
    *,
    positions: Any = ((-4.0, -5.0, 1.5),),
    orientation: Any = (AXIAL,),
    extent: Sequence[float] = (8.0, 12.0, 6.0),
    offsets_ppm: Sequence[float] = OFFSETS_PPM,
    method: Changes | None = None,
    acqp: Changes | None = None,
    visu: Changes | None = None,
) -> Path:
    """Write a scan with one reconstruction and return its folder.

    Parameters
    ----------
    folder : Path
        Where; its name is the scan's number.
    style : str
        One of ``STYLES``.
    images : ndarray, optional
        Stored values, (n_stored_frames, [z,] y, x); by default one frame an offset of 4 x 6 voxels.
    groups : sequence of (int, str), optional
        Frame groups, the fastest first; by default all frames are one cycle.
    positions, orientation, extent : array_like
        As in ``visu_pars``: mm, LPS.
    offsets_ppm : sequence of float
        Written where, and in the unit in which, the style has them.
    method, acqp, visu : mapping, optional
        Parameters to change; ``None`` leaves one out.
    """
    stored = images_of(len(offsets_ppm), 6, 4) if images is None else images
    described = {
        "method": _method(style, offsets_ppm) | dict(method or {}),
        "acqp": _acqp(style) | dict(acqp or {}),
        "pdata/1/visu_pars": _visu(style, stored, groups, positions, orientation, extent) | dict(visu or {}),
        "pdata/1/reco": {"RECO_mode": "FT_MODE", "RECO_size": numbers(stored.shape[:0:-1])},
    }
    for name, parameters in described.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jcamp(style, parameters))
    (folder / "pdata" / "1" / "2dseq").write_bytes(stored.astype(WORDS[style][1]).tobytes())
    return folder


def jcamp(style: str, parameters: Changes) -> bytes:
    """A parameter file; ParaVision 360 writes UTF-8, the versions before it Latin-1."""
    lines = [
        f"##TITLE=Parameter List, ParaVision {style[2:]}",
        "##JCAMPDX=4.24",
        "##DATATYPE=Parameter Values",
        "##ORIGIN=Bruker BioSpin MRI GmbH",
        "##OWNER=Müller",
        "$$ 2022-03-16 12:20:54.235 -0500  Müller@scanner",
        *(f"##${name}={value}" for name, value in parameters.items() if value is not None),
        "$$ @vis= Method",
        "##END=",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8" if style == "PV360" else "latin-1")


WORDS = {
    "PV5.1": ("_32BIT_SGN_INT", ">i4"),
    "PV6": ("_16BIT_SGN_INT", "<i2"),
    "PV360": ("_16BIT_SGN_INT", "<i2"),
}


def _method(style: str, offsets_ppm: Sequence[float]) -> dict[str, str | None]:
    hz = np.asarray(offsets_ppm, dtype=float) * MHZ
    common: dict[str, str | None] = {"PVM_Nucleus1": text("1H"), "PVM_RepetitionTime": "8000"}
    if style == "PV5.1":
        return common | {
            "Method": "cestRARE",
            "PVM_MagTransOnOff": "On",
            # Length, bandwidth and flip angle come first in every version; the rest has another order here.
            "PVM_MagTransPulse": "(10, 274, 76.65, 20.5, 100, 0, 100, LIB_EXCITATION, <bp.exc>, 2740, 1, 50, 0, <bp>)",
            "PVM_MagTransPower": "0.5",
            "PVM_MagTransInterDelay": "0",
            "PVM_MagTransPulsNumb": "500",
            "Cest_Offsets": numbers(hz),
        }
    if style == "PV6":
        return common | {
            "Method": "<User:cestFISP>",
            "PVM_FrqWork": numbers([MHZ, 0, 0, 0, 0, 0, 0, 0]),
            "PVM_MagTransOnOff": "On",
            "PVM_MagTransPulse1Enum": "<bp>",
            "PVM_MagTransPulse1": BLOCK_PULSE,
            "PVM_MagTransPower": "0.5",
            "PVM_MagTransInterDelay": "0.01",
            "PVM_MagTransPulsNumb": "1",
            "PVM_MagTransFL": numbers([0]),
            "PVM_ppgFreqList1": numbers(hz),
        }
    return common | {
        "Method": "<Bruker:RARE>",
        "PVM_FrqWork": numbers([MHZ, 0, 0, 0, 0, 0, 0, 0]),
        "PVM_SatTransOnOff": "On",
        "PVM_SatTransType": "CEST",
        "PVM_SatTransPulseEnum": "<bp>",
        "PVM_SatTransPulse": BLOCK_PULSE,
        "PVM_SatTransPulseAmpl_uT": "0.5",
        "PVM_SatTransInterPulseDelay": "0",
        "PVM_SatTransNPulses": "1",
        "PVM_SatTransRefScan": "Off",
        "PVM_SatTransFreqUnit": "unit_ppm",
        "PVM_SatTransFreqValues": numbers(offsets_ppm),
        "PVM_SatTransFL": numbers(hz),
    }


def _acqp(style: str) -> dict[str, str | None]:
    frequency = numbers([MHZ] * 8, runs=True) if style == "PV360" else f"{MHZ}"
    return {
        "ACQ_scan_name": text("Wade (E4)"),
        "ACQ_protocol_name": text("CEST"),
        "ACQ_institution": text("Universität Würzburg"),
        "BF1": frequency,
        "SFO1": frequency,
    }


def _visu(
    style: str,
    stored: np.ndarray,
    groups: Sequence[tuple[int, str]] | None,
    positions: Any,
    orientation: Any,
    extent: Sequence[float],
) -> dict[str, str | None]:
    n, dimensions = len(stored), stored.ndim - 1
    axes, places = np.reshape(orientation, (-1, 9)), np.reshape(positions, (-1, 3))
    short = style == "PV360"
    described = " ".join(f"({length}, <{name}>, <>, 0, 0)" for length, name in groups or ((n, "FG_CYCLE"),))
    return {
        "VisuVersion": "3",
        "VisuCreatorVersion": text(style[2:]),
        "VisuCoreFrameCount": f"{n}",
        "VisuCoreDim": f"{dimensions}",
        "VisuCoreSize": numbers(stored.shape[:0:-1]),
        "VisuCoreDimDesc": f"( {dimensions} )\n" + " ".join(["spatial"] * dimensions),
        "VisuCoreExtent": numbers(extent[:dimensions]),
        "VisuCoreFrameThickness": numbers([2.0]),
        "VisuCoreUnits": f"( {dimensions}, 65 )\n" + " ".join(["<mm>"] * dimensions),
        "VisuCoreOrientation": numbers(axes, *axes.shape),
        "VisuCorePosition": numbers(places, *places.shape),
        "VisuCoreDataSlope": numbers(0.5 + 0.25 * np.arange(n)),
        "VisuCoreDataOffs": numbers(np.full(n, 3.0), runs=short),
        "VisuCoreFrameType": "MAGNITUDE_IMAGE",
        "VisuCoreWordType": WORDS[style][0],
        "VisuCoreByteOrder": "bigEndian" if WORDS[style][1].startswith(">") else "littleEndian",
        "VisuFGOrderDescDim": f"{len(groups or (0,))}",
        "VisuFGOrderDesc": f"( {len(groups or (0,))} )\n{described}",
        "VisuAcqImagingFrequency": f"{MHZ}",
        "VisuAcqImagedNucleus": text("1H"),
        "VisuStudyDescription": "( 2048 )\n<\\\n>",
    }


def scaled(stored: np.ndarray) -> np.ndarray:
    """Intensities of what ``write_scan`` stores."""
    n = len(stored)
    return stored * (0.5 + 0.25 * np.arange(n)).reshape(n, *[1] * (stored.ndim - 1)) + 3.0


TOKENS = (
    b"@999999999*(0)", b"@9*(@9*(@9*(1)))", b"(" * 40, b")" * 9, b"<", b">", b"-1", b"0", b"1e308", b"1e999", b"nan",
    b"-inf", b"2147483648", b"9" * 400, b" ", b"\n", b"##$", b"=", b"( 99999999 )", b"( -1 )", b"( 3, 3 )", b"\xff\xfe",
    "Ω".encode(), b"\x00", b"FG_SLICE", b"FG_ECHO", b"Yes", b"Off", b"$$",
)  # fmt: skip
PARAMETER_FILES = ("method", "acqp", "pdata/1/visu_pars")


def damage(folder: Path, intact: Mapping[str, bytes], rng: random.Random) -> None:
    """Write the files of a scan with one to four faults among them; now and then one is missing or another's."""
    content = dict(intact)
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice([*PARAMETER_FILES, "pdata/1/visu_pars", "pdata/1/2dseq"])
        kind = rng.random()
        if kind < 0.03:
            content[name] = b""
        elif kind < 0.06:
            content[name] = content[rng.choice(PARAMETER_FILES)]
        elif name.endswith("2dseq"):
            content[name] = content[name][: rng.randrange(len(content[name]) + 1)]
        elif kind < 0.5:
            content[name] = _value_changed(content[name], rng)
        else:
            content[name] = _bytes_changed(content[name], rng)
    for name, data in content.items():
        (folder / name).write_bytes(data)


def _value_changed(data: bytes, rng: random.Random) -> bytes:
    """Replace, repeat or drop words of a value, where random bytes seldom fall."""
    records = data.split(b"##$")
    at = rng.randrange(len(records))
    words = records[at].split(b" ")
    word = rng.randrange(len(words))
    action = rng.randrange(5)
    if action == 0:
        words[word] = rng.choice(TOKENS)
    elif action == 1:
        words[word : word + 1] = [words[word]] * rng.randrange(2, 40)
    elif action == 2:
        del words[word]
    elif action == 3:
        words[word] += rng.choice(TOKENS)
    else:
        return b"##$".join(records[:at] + records[at + 1 :])
    records[at] = b" ".join(words)
    return b"##$".join(records)


def _bytes_changed(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    action = rng.randrange(4)
    if action == 0:
        return data[:at]
    if action == 1:
        return data[:at] + rng.choice(TOKENS) + data[at:]
    if action == 2:
        return data[:at] + data[at + rng.randrange(1, 30) :]
    return data[:at] + rng.randbytes(rng.randrange(1, 4)) + data[at + 1 :]


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a scan that a reader opens."""
    return {name: (folder / name).read_bytes() for name in (*PARAMETER_FILES, "pdata/1/2dseq")}
