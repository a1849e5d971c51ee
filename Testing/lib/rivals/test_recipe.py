"""The reference paper's training sets are what the paper says, and as exact as it can be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals.grids import FullGrid, Grid, PartialGrid
from PCrCESTLib.rivals.recipe import AuthorsFull, AuthorsPartial, observed_r1, summation_z
from PCrCESTLib.rivals.samples import LOCAL_WINDOW_PPM, ExactSamples, rival_grid_ppm, window
from PCrCESTLib.synthesis.backgrounds import Backgrounds, simulate_backgrounds, spin_lock_angle
from PCrCESTLib.synthesis.families import PAPER_LIKE

PROTOCOL = named_protocol("rat-4.7T-dual")
OFFSETS = rival_grid_ppm(PROTOCOL)


@pytest.fixture(scope="module")
def backgrounds() -> Backgrounds:
    return simulate_backgrounds(PROTOCOL, 2, np.random.default_rng(0), (PAPER_LIKE,))


def only(grid: type[Grid], **values: float) -> Grid:
    """A grid of one node: the middle of every axis, except where a value is given."""
    middles = {name: getattr(grid(), name)[len(getattr(grid(), name)) // 2] for name in grid().names}
    return grid(**{name: (value,) for name, value in (middles | values).items()})


def test_formula_agrees_with_a_calculation_by_hand():
    """One pool at one offset, every step written out with plain numbers."""
    gamma, b1, field, offset = 267.5154, 0.5, 4.7, 2.5
    w1, dw = gamma * b1, offset * field * gamma
    cos2 = dw**2 / (dw**2 + w1**2)
    fm, k, r2, f = 0.15, 120.0, 1 / 0.010, 1.2e-3
    away = (offset - 2.6) * field * gamma
    rex = f * k * w1**2 / (w1**2 + (r2 + k) * k + away**2 * k / (r2 + k))
    r1_obs = (1 / 1.4 + fm / 1.5) / (1 + fm)
    below = r1_obs * cos2 + (1 / 0.04) * (1 - cos2) + (rex + 0.05) / (1 + fm) + 0.1
    z = summation_z(
        np.array([[offset]]),
        np.array([b1]),
        field,
        r1_obs=observed_r1(np.array([1.4]), np.array([fm])),
        r2w=np.array([1 / 0.04]),
        pools=(Pool("PCr", 2.6, f, k, 1.5, 0.010),),
        fm=np.array([fm]),
        amine=0.05,
        mt=0.1,
    )
    assert z.item() == pytest.approx(r1_obs * cos2 / below, rel=1e-9)


class TestAgainstTheExactEngine:
    """Typical muscle at 2.6 ppm, MT and amine taken from the engine itself, so that only the pools are judged."""

    B1 = (0.5, 1.0)

    def z(self, b1: float, *names: str, cr_fraction: float = 2e-3) -> tuple[float, float]:
        """Z by the engine and by the formula with the named pools."""
        pools = {
            "PCr": Pool("PCr", 2.6, 1e-3, 100.0, 1.5, 0.010),
            "Cr": Pool("Cr", 2.0, cr_fraction, 500.0, 1.5, 0.010),
            "amide": Pool("amide", 3.6, 1e-3, 100.0, 1.5, 0.002),
            "NOE": Pool("NOE", -3.3, 0.015, 10.0, 1.5, 0.0005),
        }
        chosen = tuple(pools[name] for name in names)
        amine = Pool("amine", 3.0, 3e-3, 5000.0, 1.5, 0.015)
        fm, water = 0.15, Water(t1_s=1.4, t2_s=0.04)
        semisolid = SemisolidPool(fm, 25.0, 1.5, 5e-5, line_shape="lorentzian")
        frames = (np.array([2.6]), np.array([b1]))

        def exact(*pools: Pool) -> float:
            return z_spectra(Tissue(water, pools, semisolid), PROTOCOL.saturation, *frames, 4.7).item()

        cos2, sin2 = (v.item() for v in spin_lock_angle(*frames, 4.7))
        r1_obs, r2w = observed_r1(np.array([1.4]), np.array([fm])), np.array([1 / 0.04])
        background = (1 / exact(amine) - 1) * r1_obs.item() * cos2 - r2w.item() * sin2
        formula = summation_z(
            frames[0][None],
            frames[1],
            4.7,
            r1_obs=r1_obs,
            r2w=r2w,
            pools=chosen,
            fm=np.array([fm]),
            mt=background,
        )
        return exact(*chosen, amine), formula.item()

    @pytest.mark.parametrize("b1", B1)
    def test_the_increment_due_to_pcr_is_right_to_0_0006(self, b1):
        with_pcr, without = self.z(b1, "PCr", "Cr", "amide", "NOE"), self.z(b1, "Cr", "amide", "NOE")
        increment = 1 / with_pcr[1] - 1 / without[1]
        assert 1 / (1 / without[0] + increment) == pytest.approx(with_pcr[0], abs=6e-4)

    def test_with_fast_creatine_z_itself_is_off_by_about_0_011(self):
        errors = [
            abs(np.subtract(*self.z(b1, "PCr", "Cr", "amide", "NOE", cr_fraction=f)))
            for b1, f in product(self.B1, (1.6e-3, 2.0e-3, 2.4e-3))
        ]
        assert max(errors) == pytest.approx(0.011, abs=0.001)
        assert min(errors) > 0.005


def test_grids_are_complete():
    grid = PartialGrid()
    assert grid.size == 3**9 * 5 * 6 * 5 * 5 == 14_762_250
    assert FullGrid().size == 3**10 * 5 * 6 * 5 * 5
    assert grid.pcr_fraction == pytest.approx(np.arange(6, 15, 2) * 1e-4)
    assert grid.pcr_k_per_s == tuple(range(60, 161, 20))


def test_every_index_of_a_grid_is_another_combination():
    grid = PartialGrid(b0_ppm=(0.0,), relative_b1=(1.0,), t1w_s=(1.4,), cr_t2_s=(0.01,), pcr_t2_s=(0.01,))
    values = np.stack(list(grid.at(np.arange(grid.size)).values()), axis=1)
    assert len(np.unique(values, axis=0)) == grid.size


def test_draws_are_nodes_and_validation_lies_between_them():
    grid, rng = PartialGrid(), np.random.default_rng(0)
    for name, values in grid.draw(2000, rng).items():
        assert set(values) == set(getattr(grid, name))
    for name, values in grid.between(2000, rng).items():
        ends = getattr(grid, name)
        assert np.all((values >= min(ends)) & (values <= max(ends)))
        assert not set(values) & set(ends)


def test_there_are_85_global_and_17_local_points():
    assert len(OFFSETS) == 85
    assert (OFFSETS[0], OFFSETS[-1]) == (-7.5, 7.5)
    local = OFFSETS[window(OFFSETS, *LOCAL_WINDOW_PPM)]
    assert len(local) == 17
    assert (local[0], local[-1]) == (1.5, 3.5)


@pytest.mark.parametrize("relative_b1", [0.8, 1.2])
def test_components_scale_with_relative_b1_squared_at_every_power(backgrounds, relative_b1):
    """R1obs/Z·cos² minus the water term is what the components add; no other pool is there."""
    empty = {"pcr_fraction": 0.0, "cr_fraction": 0.0, "amide_fraction": 0.0, "b0_ppm": 0.0}
    values = {}
    for b1 in (1.0, relative_b1):
        sample = AuthorsPartial(PROTOCOL, backgrounds, only(PartialGrid, relative_b1=b1, **empty)).draw(
            1, np.random.default_rng(4)
        )
        away = np.abs(OFFSETS - 5.0) < 0.01
        z = sample.ratio[0, :, away][0] * sample.r1_obs
        cos2, sin2 = spin_lock_angle(OFFSETS[away], np.array([[0.5], [1.0]]) * b1, 4.7)
        noe = 0.0  # NOE at 10 s⁻¹ adds below 1e-4 s⁻¹ at +5 ppm
        values[b1] = sample.r1_obs * cos2[:, 0] * (1 / z - 1) - sin2[:, 0] / 0.04 - noe
    np.testing.assert_allclose(values[relative_b1], values[1.0] * relative_b1**2, rtol=5e-3)


def test_one_tissue_is_the_formula_on_shifted_offsets(backgrounds):
    """A B0 shift moves pools and background together: shifted and unshifted spectra agree where they overlap."""
    at = {b0: AuthorsPartial(PROTOCOL, backgrounds, only(PartialGrid, b0_ppm=b0)) for b0 in (0.0, 0.25)}
    still, moved = (s.draw(1, np.random.default_rng(9)).ratio[0] for s in at.values())
    inner = np.nonzero(np.abs(OFFSETS) < 4.5)[0]
    np.testing.assert_allclose(moved[:, inner + 2], still[:, inner], rtol=1e-5)


def test_fully_synthetic_spectra_come_from_the_exact_engine():
    source = AuthorsFull(PROTOCOL, only(FullGrid, b0_ppm=0.25, relative_b1=1.1))
    sample = source.draw(1, np.random.default_rng(0))
    tissue = Tissue(
        Water(1.4, 0.04),
        (
            Pool("PCr", 2.6, 1e-3, 120.0, 1.5, 0.010),
            Pool("Cr", 2.0, 2e-3, 500.0, 1.5, 0.010),
            Pool("amide", 3.6, 1e-3, 100.0, 1.5, 0.002),
            Pool("NOE", -3.3, 0.015, 10.0, 1.5, 0.0005),
            Pool("amine", 3.0, 3e-3, 5000.0, 1.5, 0.015),
        ),
        SemisolidPool(0.15, 25.0, 1.5, 5e-5, line_shape="lorentzian"),
    )
    z = z_spectra(
        tissue, PROTOCOL.saturation, OFFSETS, np.full(85, 1.0), 4.7, b0_shift_ppm=0.25, relative_b1=1.1
    )
    np.testing.assert_allclose(sample.ratio[0, 1] * sample.r1_obs, z[0], rtol=1e-4, atol=1e-6)
    assert sample.targets[0] == pytest.approx([10.0, 12.0])


def test_the_same_seed_gives_the_same_spectra(backgrounds):
    source = AuthorsPartial(PROTOCOL, backgrounds)
    first, again = (source.draw(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.ratio, again.ratio)
    assert np.all(np.isfinite(first.ratio))


def test_backgrounds_of_other_powers_are_refused(backgrounds):
    with pytest.raises(PCrCESTError, match="background components are for"):
        AuthorsPartial(named_protocol("rat-4.7T-0.25uT"), backgrounds)


@pytest.mark.parametrize("kind", ["partial", "full", "mixed"])
def test_our_own_data_come_in_the_rivals_form(backgrounds, kind):
    source = ExactSamples(Source(PROTOCOL, backgrounds, (PAPER_LIKE,)), kind)
    sample = source.draw(30, np.random.default_rng(1))
    assert sample.ratio.shape == (30, 2, 85)
    # Aligned: water is where the grid says it is.
    assert np.all(np.abs(OFFSETS[np.argmin(sample.ratio[:, 0], axis=1)]) <= 0.126)
    z = sample.ratio * sample.r1_obs[:, None, None]
    assert np.all((z > 0) & (z < 1.05))
