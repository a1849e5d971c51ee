"""Advice in words and as files."""

from __future__ import annotations

import csv
from pathlib import Path

from PCrCESTLib.advice.forecast import SEARCH_ROI_VOXELS, Advice
from PCrCESTLib.protocol_json import save_protocol

COLUMNS = (
    "noise_sd",
    "n_voxels",
    "roi_noise_sd",
    "fs_sd_percent",
    "ksw_sd_percent",
    "correlation",
    "fs_identifiable",
    "ksw_identifiable",
)
TABLE_FILE, PROTOCOL_FILE = "precision.csv", "suggested_protocol.json"


def advice_text(advice: Advice) -> str:
    """Return the whole advice as readable lines."""
    fs_prior, ksw_prior = advice.prior_percent
    lines = [
        f"Protocol: {advice.protocol.describe()}",
        f"Tissue:   {advice.tissue_name} muscle; {_tissues_text(advice.n_tissues)}",
        f"Known before the scan: fs ±{fs_prior:.0f} %, ksw ±{ksw_prior:.0f} %. After it, at best:",
        "",
        "noise of Z  voxels  SD of fs  SD of ksw  corr.  fs tellable  ksw tellable",
    ]
    lines += [
        f"{p.noise_sd:>10g} {p.n_voxels:>7} {p.fs_percent:>7.1f} % {p.ksw_percent:>8.1f} %"
        f" {p.correlation:>6.2f}  {p.fs_identifiable:<11}  {p.ksw_identifiable}"
        for p in advice.table
    ]
    return "\n".join([*lines, "", verdict(advice), *_search_lines(advice)]) + "\n"


def _tissues_text(n_tissues: int) -> str:
    if n_tissues == 1:
        return "normal fs, ksw 105 1/s (one tissue only: this saturation is slow to simulate)"
    return f"RMS of {n_tissues}, fs 0.6 to 1.4 times normal, ksw 60 to 160 1/s"


def verdict(advice: Advice) -> str:
    """Say whether ksw can be told at the first noise level, and what to do if not."""
    if len(advice.protocol.powers_ut) == 1:
        return _verdict_at(advice) + (
            "\nWith one power ksw shows only in the width of the peak: its SD holds as far as the assumed T2 "
            "and line shapes do."
        )
    return _verdict_at(advice)


def _verdict_at(advice: Advice) -> str:
    voxel = advice.table[0]
    tellable = [
        p.n_voxels for p in advice.table if p.noise_sd == voxel.noise_sd and p.ksw_identifiable == "yes"
    ]
    if 1 in tellable:
        return "ksw can be told in a single voxel."
    if tellable:
        return (
            f"ksw of a single voxel is mostly prior; it can be told in an ROI of {min(tellable)} voxels "
            f"(noise {voxel.noise_sd:g})."
        )
    one_power = len(advice.protocol.powers_ut) == 1
    remedy = "add a second power" if one_power else "average more or change the powers"
    return f"ksw cannot be told well at noise {voxel.noise_sd:g} in any of these ROIs: {remedy}."


def write_advice(advice: Advice, folder: Path) -> list[str]:
    """Write table and suggested protocol into the existing ``folder``; returns the names of the files."""
    _write_csv(advice, folder / TABLE_FILE)
    if advice.search is None:
        return [TABLE_FILE]
    save_protocol(advice.search.best.protocol, folder / PROTOCOL_FILE)
    return [TABLE_FILE, PROTOCOL_FILE]


def _search_lines(advice: Advice) -> list[str]:
    search = advice.search
    if search is None:
        return []
    roi = f"{SEARCH_ROI_VOXELS}-voxel ROI (noise {advice.search_noise_sd:.2g})"
    lines = ["", f"In the same scan time, {roi}:"]
    lines += [
        f"  {a.label:<44} SD of fs {a.fs_percent:5.1f} %  SD of ksw {a.ksw_percent:5.1f} %"
        for a in search.alternatives
    ]
    if len(search.alternatives) == 1:
        lines.append("  nothing better was found.")
    lines += ["", "One frame more that would help most:"]
    lines += [
        f"  {u.offset_ppm:6.2f} ppm at {u.b1_ut:g} µT: {u.gain_percent:.1f} % smaller SD"
        for u in search.useful_frames
    ]
    return lines


def _write_csv(advice: Advice, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for p in advice.table:
            roi_noise = p.noise_sd / p.n_voxels**0.5
            numbers = (p.noise_sd, p.n_voxels, roi_noise, p.fs_percent, p.ksw_percent, p.correlation)
            writer.writerow([*(f"{n:.6g}" for n in numbers), p.fs_identifiable, p.ksw_identifiable])
