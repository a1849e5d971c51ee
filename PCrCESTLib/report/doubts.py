"""How good the scan was: noise, B0, B1, motion, flags, and what it does not tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from PCrCESTLib.quality import MEANING, Quality
from PCrCESTLib.report.page import Section, bullets, paragraph, picture, subheading, table
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import percent
from PCrCESTLib.roi import ROI_SPECTRUM

_PLAIN = {
    Quality.LOW_SNR: "too noisy",
    Quality.NO_WATER_DIP: "water frequency unknown",
    Quality.OUTSIDE_TRAINING: "unlike muscle as the model knows it",
    Quality.HIGH_RESIDUAL: "unexpected structure in the spectrum",
    Quality.FS_NOT_IDENTIFIABLE: "fs not identifiable",
    Quality.KSW_NOT_IDENTIFIABLE: "ksw not identifiable",
    Quality.NOT_CONVERGED: "fit not converged",
}


def quality_section(result: Result) -> Section:
    """Return facts on the scan, the share of voxels with each flag, and what is not identifiable."""
    html = table(["item", "finding"], _facts(result), "Scan quality") + _flags(result)
    html += subheading("What this scan does not tell") + bullets(_unknown(result)) + explanation()
    if result.motion_picture is not None:
        html += picture(
            result.motion_picture,
            f"Curves of translation and rotation of the leg over the frames. {_motion(result.record)}.",
            "Motion of the leg over the frames.",
        )
    return Section("Quality", html)


def _facts(result: Result) -> list[list[str]]:
    record = result.record
    given = {str(item.get("role")) for item in record["inputs"] if isinstance(item, dict)}
    rows = [
        ["Voxels with a value", _voxels(result)],
        ["Noise (SD of Z, one voxel)", _noise(record)],
        ["Static field B0", _b0(result)],
        [
            "Saturation field B1",
            "B1 map given" if "b1" in given else "no B1 map given; B1 was not known voxel by voxel",
        ],
        [
            "Relaxation R1",
            "R1 or T1 map given" if given & {"r1", "t1"} else "no R1 or T1 map given",
        ],
        ["Motion", _motion(record)],
    ]
    if record.get("denoise"):
        rows.append(["Denoising", "principal components; the SDs rest on the noise before"])
    misfit = result.maps.get("misfit")
    if misfit is not None and np.isfinite(misfit).any():
        rows.append(["Misfit of the fit", f"median {np.nanmedian(misfit):.2f} times the noise"])
    return rows


def _voxels(result: Result) -> str:
    n, asked = int(result.mapped.sum()), result.record.get("n_voxels")
    lost = int((result.inside & ~result.mapped).sum())
    text = f"{n} of {asked} taken as tissue" if isinstance(asked, int) else str(n)
    return text + (f"; {lost} in regions have none" if lost else "")


def _noise(record: dict[str, Any]) -> str:
    noise = record.get("noise_sd")
    if not isinstance(noise, dict) or not noise:
        return "not recorded"
    return ", ".join(
        f"{sd:.4f} at {power.replace('uT', 'µT')}"
        for power, sd in noise.items()
        if isinstance(sd, int | float)
    )


def _b0(result: Result) -> str:
    b0 = result.maps.get("b0")
    known = np.array([]) if b0 is None else b0[np.isfinite(b0)]
    if not len(known):
        return "not recorded"
    low, middle, high = np.round(np.percentile(known, (5, 50, 95)), 2) + 0.0  # no -0.00
    return (
        f"water at {middle:+.2f} ppm (median); 5 to 95 % of voxels {low:+.2f} to {high:+.2f} ppm; corrected"
    )


def _motion(record: dict[str, Any]) -> str:
    motion = record.get("motion")
    if not isinstance(motion, dict):
        return "not looked for (motion correction was not asked for)"
    done = "frames were moved back" if motion.get("resampled") else "the leg was at rest; nothing was moved"
    largest = motion.get("largest_displacement_mm")
    return f"largest displacement {largest:.2f} mm; {done}" if isinstance(largest, int | float) else done


def _flags(result: Result) -> str:
    quality, mapped = result.maps["quality"].astype(int), result.mapped
    inside = result.inside & mapped
    rows = []
    for flag, meaning in MEANING.items():
        if flag != Quality.NO_VALUE:
            shares = [percent(_share(quality, where, flag)) for where in (mapped, inside) if where.any()]
            rows.append([_PLAIN[flag], *shares, meaning])
    header = ["flag", f"of all {mapped.sum()} voxels with a value"]
    header += [f"of the {inside.sum()} in regions"] if inside.any() else []
    return table([*header, "meaning"], rows, "Voxels with each quality flag")


def _share(quality: np.ndarray, where: np.ndarray, flag: Quality) -> float:
    return float(np.mean((quality[where] & int(flag)) > 0))


def _unknown(result: Result) -> list[str]:
    """Sentences on what the data do not narrow down."""
    found = []
    quality, mapped = result.maps["quality"].astype(int), result.mapped
    for name, flag in (("fs", Quality.FS_NOT_IDENTIFIABLE), ("ksw", Quality.KSW_NOT_IDENTIFIABLE)):
        if name == "ksw" and not result.tells_ksw:
            found.append("ksw: this method does not estimate it.")
            continue
        share = _share(quality, mapped, flag) if mapped.any() else 0.0
        estimates = [
            r for r in result.rows if (r.quantity, r.estimator) == (name, ROI_SPECTRUM) and not r.reason
        ]
        doubtful = [r.roi for r in estimates if not r.identifiable]
        n = len(estimates)
        sentence = f"{name} of single voxels: not identifiable in {percent(share)} of them."
        if n:
            sentence += (
                " From the mean spectra: identifiable in all regions."
                if not doubtful
                else f" From the mean spectra: not identifiable in {len(doubtful)} of {n} regions "
                f"({', '.join(doubtful)})."
            )
        found.append(sentence)
    return found


def explanation() -> str:
    """Return the sentence on the word *identifiable*."""
    return paragraph(
        "A number is called not identifiable when the scan leaves it hardly better known than the usual range of "
        "muscle; the estimate then repeats what is usual and says little of this subject."
    )
