"""The library's tissues are physical, complete, and say where their numbers come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.physics.library import (
    MUSCLE_POOLS,
    creatine_phantom,
    human_muscle,
    metabolite,
    metabolite_names,
    muscle_water,
    pcr_phantom,
    rat_muscle,
    reference_muscle,
    semisolid,
)
from PCrCESTLib.physics.sourced import STATUS, provenance, provenance_markdown, sourced, sources
from PCrCESTLib.saturation import Saturation

FIELDS = (3.0, 4.7, 7.0, 9.4, 11.7)
OFFSETS = np.linspace(-5, 5, 81)


def spectrum(tissue: Tissue, field_t: float = 4.7, b1_ut: float = 0.5) -> np.ndarray:
    return np.asarray(z_spectra(tissue, Saturation(duration_s=5.0), OFFSETS, b1_ut, field_t))[0]


def at(z: np.ndarray, offset_ppm: float) -> float:
    return float(z[np.argmin(np.abs(OFFSETS - offset_ppm))])


def test_every_number_names_a_listed_source_and_an_honest_status() -> None:
    known = sources()
    for path, number in provenance().items():
        assert number.source in known, path
        assert number.status in STATUS, path
        assert (number.source == "none") <= (number.status == "assumed"), path


def test_every_source_is_used() -> None:
    origins = {number.source for number in provenance().values()}
    in_rates = {"goerke2014", "haris2012", "zhou2003"}
    in_notes = {"jordan2013"}
    assert set(sources()) == origins | in_rates | in_notes


def test_every_value_lies_inside_its_range() -> None:
    for path, number in provenance().items():
        if number.low is not None and number.high is not None:
            assert number.low <= number.value <= number.high, path


def test_the_sources_table_of_the_documentation_is_the_library() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "physics.md"
    assert provenance_markdown() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("make", [rat_muscle, human_muscle])
@pytest.mark.parametrize("field_t", FIELDS)
def test_muscle_at_every_field_has_a_spectrum_with_pcr_and_water_in_it(make: object, field_t: float) -> None:
    tissue = make(field_t)  # type: ignore[operator]
    z = spectrum(tissue, field_t)
    assert np.all((z > 0) & (z < 1))
    assert at(z, 0) < 0.1
    assert at(spectrum(tissue.without("pcr"), field_t), 2.6) > at(z, 2.6) + 0.004


def test_muscle_holds_every_pool_of_the_list() -> None:
    assert tuple(pool.name for pool in rat_muscle().pools) == MUSCLE_POOLS
    assert set(MUSCLE_POOLS) <= set(metabolite_names())


def test_second_pcr_peak_has_half_the_protons_and_half_the_rate() -> None:
    first, second = metabolite("pcr"), metabolite("pcr_second")
    assert second.shift_ppm == pytest.approx(1.94)
    assert second.fraction / first.fraction == pytest.approx(0.5, rel=0.02)
    assert first.k_per_s / second.k_per_s == pytest.approx(2.2, rel=0.02)


def test_water_of_muscle_gives_back_the_observed_t1() -> None:
    solid = semisolid()
    water = muscle_water("rat", 4.7, solid)
    observed = (1 / water.t1_s + solid.fraction / solid.t1_s) / (1 + solid.fraction)
    assert 1 / observed == pytest.approx(sourced("water", "rat", "4.7", "t1_obs_s").value)


def test_longer_t1_and_shorter_t2_at_higher_field() -> None:
    waters = [muscle_water("human", field) for field in FIELDS]
    assert np.all(np.diff([w.t1_s for w in waters]) > 0)
    assert np.all(np.diff([w.t2_s for w in waters]) < 0)


def test_a_scanner_of_2p89_tesla_counts_as_3_tesla() -> None:
    assert human_muscle(2.89).water.t2_s == human_muscle(3.0).water.t2_s


def test_a_field_that_is_not_tabulated_is_refused_with_those_that_are() -> None:
    with pytest.raises(PhysicsError, match=r"3\.0, 4\.7"):
        rat_muscle(1.5)


def test_reference_muscle_is_the_center_of_the_published_grid() -> None:
    tissue = reference_muscle()
    assert (tissue.pool("pcr").fraction, tissue.pool("pcr").k_per_s) == (1e-3, 105.0)
    assert tissue.semisolid is not None
    assert tissue.semisolid.line_shape == "lorentzian"
    assert tissue.pool("amine").k_per_s == 5000.0


def test_more_phosphocreatine_saturates_more_at_both_of_its_peaks() -> None:
    weak, strong = (spectrum(pcr_phantom(c), field_t=9.4) for c in (20.0, 60.0))
    for peak_ppm in (2.6, 1.94):
        assert at(strong, peak_ppm) < at(weak, peak_ppm) < 0.99


def test_creatine_saturates_more_in_the_warm_at_full_power() -> None:
    cold, warm = (
        spectrum(creatine_phantom(50.0, ph=6.0, temperature_c=t), field_t=9.4, b1_ut=1.0)
        for t in (15.0, 37.0)
    )
    assert at(warm, 2.0) < at(cold, 2.0)


def test_a_rate_is_given_directly_or_by_its_conditions_but_not_twice() -> None:
    assert metabolite("creatine", k_per_s=42.0).k_per_s == 42.0
    assert metabolite("creatine", ph=7.1, temperature_c=37.0).k_per_s == pytest.approx(1499, rel=0.01)
    with pytest.raises(PhysicsError, match="one or the other"):
        metabolite("creatine", k_per_s=42.0, ph=7.0, temperature_c=37.0)
    with pytest.raises(PhysicsError, match="both ph and temperature_c"):
        metabolite("creatine", ph=7.0)


def test_an_unknown_metabolite_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(PhysicsError, match="pcr_second"):
        metabolite("lactate")
