"""What the real Slicer application offers, as data, for checks without the application."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

try:
    from harness.fixtures import harness, lenient_harness
    from panel_driver import panel, result, scan_folder

    __all__ = ["harness", "lenient_harness", "panel", "result", "scan_folder"]
except ImportError:  # no slicer-core, no Qt, or a system without their libraries

    @pytest.fixture
    def panel() -> None:
        """Skip: there is no stand-in for Slicer."""
        pytest.skip("slicer-core or Qt cannot be imported")

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def slicer_classes() -> dict[str, Any]:
    """Properties, signals and slots of Slicer's widget classes, reduced to those the module may use."""
    path = Path(__file__).parent / "harness" / "classes.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def slicer_python_api() -> dict[str, Any]:
    """Functions of ``slicer.util`` and the scripted-module base classes; skips where the description is absent."""
    path = REPOSITORY.parent / "shared" / "slicer_api" / "python_api.json"
    if not path.is_file():
        pytest.skip(
            "the description of the Slicer application (../shared/slicer_api) is not beside this checkout"
        )
    return json.loads(path.read_text(encoding="utf-8"))
