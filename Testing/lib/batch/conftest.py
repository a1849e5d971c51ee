"""One small simulated scan for all tests of batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from PCrCESTLib.cli import main


@pytest.fixture(scope="session")
def a_scan(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "scan"
    assert main(["simulate", "--out", str(folder), "--size", "16", "--noise", "0.005"]) == 0
    return folder
