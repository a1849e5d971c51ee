"""What tests of batches share: how a scan is given, and what a batch says of it."""

from __future__ import annotations

import csv
import time
from pathlib import Path

POWERS = ("0.5", "1")


def arguments(scan: Path) -> list[str]:
    """Arguments that do not make every process import torch to look for a GPU."""
    return [
        *(str(scan / f"sub-sim_cest-{p}uT.nii.gz") for p in POWERS),
        "--r1",
        str(scan / "sub-sim_R1obs.nii.gz"),
        "--device=cpu",
    ]


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "batch.tsv").open(encoding="utf-8", newline="") as stream:
        return {row["subject"]: row for row in csv.DictReader(stream, delimiter="\t")}


def begun(out: Path, name: str) -> int:
    return (out / "logs" / f"{name}.log").read_text(encoding="utf-8").count(" started\n")


def wait_for(condition, seconds: float = 120.0) -> None:
    latest = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < latest, "it did not happen"
        time.sleep(0.01)
