"""Fixtures that every folder of tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# A slow or busy computer is no failure, and a run can be repeated exactly.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile("repeatable")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of measured data beside the checkout; tests that need it skip where it is absent."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("measured data (../shared/data) are not beside this checkout")
    return folder
