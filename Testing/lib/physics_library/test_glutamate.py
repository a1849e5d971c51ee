"""Measured glutamate spectra are explained by the exact engine, and their rates behave as chemistry says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "glutamate.py"


@pytest.fixture(scope="module")
def glutamate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("glutamate_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def conditions(glutamate: ModuleType, shared_data: Path) -> dict[tuple[str, int], Any]:
    folder = shared_data / "glutamate_11p7T"
    if not folder.is_dir():
        pytest.skip("the glutamate spectra (../shared/data/glutamate_11p7T) are not beside this checkout")
    return {(b, t): glutamate.load(folder, b, t) for b in glutamate.BUFFERS for t in glutamate.TEMPERATURES_C}


@pytest.fixture(scope="module")
def fits(glutamate: ModuleType, conditions: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
    return {key: glutamate.fit(data) for key, data in conditions.items()}


def test_two_pools_explain_ten_powers_at_once(fits: dict[tuple[str, int], Any]) -> None:
    assert all(f.residual < 0.008 for f in fits.values())
    assert all(f.residual < 0.005 for (_, celsius), f in fits.items() if celsius == 22)


def test_exchange_is_faster_in_the_warm_in_every_buffer(fits: dict[tuple[str, int], Any]) -> None:
    for buffer in ("H2O", "HEPES", "PBS"):
        assert fits[buffer, 37].k_per_s > 1.8 * fits[buffer, 22].k_per_s


def test_buffers_catalyze_the_exchange_phosphate_most(fits: dict[tuple[str, int], Any]) -> None:
    for celsius in (22, 37):
        rates = [fits[buffer, celsius].k_per_s for buffer in ("H2O", "HEPES", "PBS")]
        assert rates == sorted(rates)
        assert rates[2] > 3 * rates[0]


def test_rate_in_the_body_is_near_the_published_one(fits: dict[tuple[str, int], Any]) -> None:
    assert fits["H2O", 37].k_per_s == pytest.approx(7500, rel=0.2)


def test_ammonium_protons_resonate_near_3_ppm(fits: dict[tuple[str, int], Any]) -> None:
    # 3 ppm are 9400 rad/s: far faster exchange merges the peak with water's, and its shift cannot be told
    resolved = [f for f in fits.values() if f.k_per_s < 20_000]
    assert len(resolved) == 5
    assert all(2.9 < f.shift_ppm < 3.4 for f in resolved)


def test_rate_does_not_lean_on_the_assumed_number_of_protons(
    glutamate: ModuleType, conditions: dict[tuple[str, int], Any], fits: dict[tuple[str, int], Any]
) -> None:
    free = glutamate.fit(conditions["H2O", 22], free_fraction=True)
    assert free.k_per_s == pytest.approx(fits["H2O", 22].k_per_s, rel=0.03)
    assert free.fraction == pytest.approx(fits["H2O", 22].fraction, rel=0.3)


def test_series_that_lost_signal_on_the_way_are_left_out(conditions: dict[tuple[str, int], Any]) -> None:
    dropped = {key: data.excluded_powers_ut for key, data in conditions.items() if data.excluded_powers_ut}
    assert dropped == {("H2O", 37): (9.0,), ("HEPES", 37): (10.0,)}
