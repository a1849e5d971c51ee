"""Rates and concentrations agree with what their sources print."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.concentration import concentration_from_fraction, fraction_from_concentration
from PCrCESTLib.physics.library import solution_rate_per_s
from PCrCESTLib.physics.rates import AMIDE, CREATINE, PHOSPHOCREATINE, exchange_law, water_pkw


def test_muscle_pcr_of_33_mm_is_a_proton_fraction_of_six_in_ten_thousand() -> None:
    assert fraction_from_concentration(33.0) == pytest.approx(5.946e-4, rel=1e-3)
    assert fraction_from_concentration(33.0, protons=1) == pytest.approx(2.973e-4, rel=1e-3)


@given(st.floats(0, 500), st.floats(0.5, 4))
def test_concentration_and_fraction_are_inverse(concentration_mm: float, protons: float) -> None:
    fraction = fraction_from_concentration(concentration_mm, protons)
    assert concentration_from_fraction(fraction, protons) == pytest.approx(concentration_mm)


@pytest.mark.parametrize("protons", [0.0, -1.0, float("nan")])
def test_a_senseless_number_of_protons_is_refused(protons: float) -> None:
    with pytest.raises(PhysicsError, match="protons per molecule"):
        fraction_from_concentration(30.0, protons)


def test_ionic_product_of_water_is_14_at_room_temperature_and_smaller_in_the_body() -> None:
    assert water_pkw(25.0) == pytest.approx(13.995, abs=5e-3)
    assert water_pkw(37.0) == pytest.approx(13.62, abs=5e-3)


def test_creatine_law_gives_the_rate_that_goerke_extrapolates_to_the_body() -> None:
    assert float(CREATINE.rate_per_s(7.1, 37.0)) == pytest.approx(1499, rel=0.01)


def test_creatine_exchanges_seven_to_eight_times_faster_than_pcr() -> None:
    # Haris, ISMRM 2012, no. 2343; the two laws come from different papers, hence the wider interval
    ratio = CREATINE.rate_per_s(7.0, 37.0) / PHOSPHOCREATINE.rate_per_s(7.0, 37.0)
    assert 7 < float(ratio) < 11


def test_amide_law_is_that_of_zhou_at_body_temperature() -> None:
    ph = np.array([6.4, 6.7, 7.1])
    assert AMIDE.rate_per_s(ph, 37.0) == pytest.approx(5.57 * 10 ** (ph - 6.4))


@given(st.floats(4, 9), st.floats(5, 50), st.sampled_from(["creatine", "pcr", "amide"]))
def test_one_ph_unit_is_a_factor_of_ten_and_warmth_speeds_up(ph: float, celsius: float, name: str) -> None:
    law = exchange_law(name)
    rate = float(law.rate_per_s(ph, celsius))
    assert float(law.rate_per_s(ph + 1, celsius)) == pytest.approx(10 * rate)
    assert float(law.rate_per_s(ph, celsius + 5)) > 1.2 * rate


def test_second_pcr_proton_is_slower_by_the_published_factor() -> None:
    fast, slow = (solution_rate_per_s(name, 7.0, 37.0) for name in ("pcr", "pcr_second"))
    assert fast / slow == pytest.approx(2.19)


@pytest.mark.parametrize(("ph", "celsius"), [(2.0, 37.0), (12.0, 37.0), (7.0, 310.0), (7.0, -1.0)])
def test_conditions_that_no_source_covers_are_refused(ph: float, celsius: float) -> None:
    with pytest.raises(PhysicsError, match="outside"):
        CREATINE.rate_per_s(ph, celsius)


def test_a_pool_without_a_law_says_which_have_one() -> None:
    with pytest.raises(PhysicsError, match="creatine, pcr, amide"):
        solution_rate_per_s("glycogen_oh", 7.0, 37.0)
