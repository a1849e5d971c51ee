"""A small simulated scan on disk, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from PCrCESTLib.cli import main


@pytest.fixture(scope="session")
def a_simulated_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "scan"
    assert main(["simulate", "--out", str(folder), "--noise", "0.002", "--size", "40", "--seed", "2"]) == 0
    return folder


@pytest.fixture
def a_scan(a_simulated_scan: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(a_simulated_scan, tmp_path / "scan"))


def powers(folder: Path) -> list[str]:
    return [str(folder / f"sub-sim_cest-{p}uT.nii.gz") for p in ("0.5", "1")]
