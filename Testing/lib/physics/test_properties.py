"""What must hold for every tissue and every saturation."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import PulseTrain, Saturation

OFFSETS = np.concatenate([np.linspace(-9, 9, 25), [-0.15, -0.02, 0.01, 0.1, 2.55]])
SETTINGS = settings(max_examples=40, deadline=None)


def number(low, high):
    return st.floats(low, high, allow_nan=False)


waters = st.builds(Water, t1_s=number(0.5, 4.0), t2_s=number(0.01, 0.45))
semisolids = st.builds(
    SemisolidPool,
    fraction=number(0.0, 0.25),
    k_per_s=number(0.0, 80.0),
    t1_s=number(0.5, 2.0),
    t2_s=number(5e-6, 1e-4),
    shift_ppm=number(-3.0, 0.0),
    line_shape=st.sampled_from(["super-lorentzian", "lorentzian", "gaussian"]),
)


def pools(count):
    return st.tuples(
        *(
            st.builds(
                Pool,
                name=st.just(f"pool {index}"),
                shift_ppm=number(-5.0, 5.0),
                fraction=number(0.0, 0.03),
                k_per_s=number(0.0, 8000.0),
                t1_s=number(0.5, 3.0),
                t2_s=number(5e-4, 0.1),
            )
            for index in range(count)
        )
    )


tissues = st.builds(Tissue, waters, st.one_of(pools(1), pools(2), pools(4)), st.none() | semisolids)
saturations = st.one_of(
    st.builds(Saturation, duration_s=number(0.05, 15.0), readout_delay_s=number(0.0, 0.05)),
    st.builds(
        Saturation, duration_s=number(0.05, 15.0), recovery_s=number(0.0, 5.0), initial_mz=number(0.0, 1.0)
    ),
)
fields = st.sampled_from([3.0, 4.7, 7.0, 9.4, 11.7])
powers = number(0.05, 6.0)


@SETTINGS
@given(tissues, saturations, powers, fields)
def test_z_never_exceeds_equilibrium(tissue, saturation, b1_ut, field_t):
    z = z_spectra(tissue, saturation, OFFSETS, b1_ut, field_t)
    assert np.all(z <= 1.0 + 1e-6)
    assert np.all(z >= -1.0)


@SETTINGS
@given(tissues, powers, fields)
def test_z_lies_between_zero_and_one_once_the_transients_are_over(tissue, b1_ut, field_t):
    z = z_spectra(tissue, Saturation(20.0), OFFSETS, b1_ut, field_t)
    assert np.all((z >= -1e-6) & (z <= 1.0 + 1e-6))


@SETTINGS
@given(tissues, saturations, powers, fields)
def test_a_pool_of_no_protons_leaves_water_alone(tissue, saturation, b1_ut, field_t):
    empty = Tissue(tissue.water, tuple(Pool(**{**vars(pool), "fraction": 0.0}) for pool in tissue.pools))
    z = z_spectra(empty, saturation, OFFSETS, b1_ut, field_t)
    water = z_spectra(Tissue(tissue.water), saturation, OFFSETS, b1_ut, field_t)
    np.testing.assert_allclose(z, water, rtol=0, atol=1e-6)


@SETTINGS
@given(tissues, saturations, powers, fields)
def test_a_pool_that_does_not_exchange_leaves_water_alone(tissue, saturation, b1_ut, field_t):
    isolated = Tissue(tissue.water, tuple(Pool(**{**vars(pool), "k_per_s": 0.0}) for pool in tissue.pools))
    z = z_spectra(isolated, saturation, OFFSETS, b1_ut, field_t)
    water = z_spectra(Tissue(tissue.water), saturation, OFFSETS, b1_ut, field_t)
    np.testing.assert_allclose(z, water, rtol=0, atol=1e-6)


@SETTINGS
@given(tissues, saturations, powers, fields)
def test_the_mirrored_tissue_has_the_mirrored_spectrum(tissue, saturation, b1_ut, field_t):
    mirrored = Tissue(
        tissue.water,
        tuple(Pool(**{**vars(pool), "shift_ppm": -pool.shift_ppm}) for pool in tissue.pools),
        tissue.semisolid
        and SemisolidPool(**{**vars(tissue.semisolid), "shift_ppm": -tissue.semisolid.shift_ppm}),
    )
    z = z_spectra(tissue, saturation, OFFSETS, b1_ut, field_t)
    np.testing.assert_allclose(
        z_spectra(mirrored, saturation, -OFFSETS, b1_ut, field_t), z, rtol=0, atol=1e-7
    )


@SETTINGS
@given(tissues, powers, fields, number(0.1, 4.0), number(-1.0, 1.0))
def test_far_from_everything_there_is_only_recovery(tissue, b1_ut, field_t, duration_s, start):
    far = z_spectra(tissue, Saturation(duration_s, initial_mz=start), np.array([np.inf]), b1_ut, field_t)
    later = Saturation(1e-9, recovery_s=duration_s, initial_mz=start)
    free = z_spectra(tissue, later, np.array([np.inf]), 0.0, field_t)
    np.testing.assert_allclose(far, free, rtol=0, atol=1e-6)


@SETTINGS
@given(tissues, saturations, fields)
def test_equilibrium_is_detailed_balance_and_stays_without_irradiation(tissue, saturation, field_t):
    at_rest = Saturation(saturation.duration_s, readout_delay_s=saturation.readout_delay_s)
    z = z_spectra(tissue, at_rest, OFFSETS, 0.0, field_t)
    np.testing.assert_allclose(z, 1.0, rtol=0, atol=1e-9)


@SETTINGS
@given(tissues, saturations, powers, fields, st.randoms())
def test_the_order_of_the_pools_does_not_matter(tissue, saturation, b1_ut, field_t, random):
    shuffled = list(tissue.pools)
    random.shuffle(shuffled)
    z = z_spectra(tissue, saturation, OFFSETS, b1_ut, field_t)
    other = z_spectra(Tissue(tissue.water, shuffled, tissue.semisolid), saturation, OFFSETS, b1_ut, field_t)
    np.testing.assert_allclose(other, z, rtol=0, atol=1e-6)


@SETTINGS
@given(tissues, number(0.05, 3.0), fields)
def test_a_pool_split_in_two_is_the_same_pool(tissue, b1_ut, field_t):
    first, *rest = tissue.pools
    half = {**vars(first), "fraction": 0.5 * first.fraction}
    split = Tissue(tissue.water, (Pool(**half), Pool(**{**half, "name": "twin"}), *rest), tissue.semisolid)
    z = z_spectra(tissue, Saturation(3.0), OFFSETS, b1_ut, field_t)
    np.testing.assert_allclose(
        z_spectra(split, Saturation(3.0), OFFSETS, b1_ut, field_t), z, rtol=0, atol=1e-6
    )


@settings(max_examples=8, deadline=None)
@given(tissues, powers, st.sampled_from(["gaussian", "sinc-gaussian", "fermi", "block"]), st.booleans())
def test_pulsed_z_never_exceeds_equilibrium(tissue, b1_ut, shape, spoiled):
    train = PulseTrain(shape, 0.02, 0.01, 30, spoiled=spoiled)
    z = z_spectra(tissue, Saturation.pulsed(train, b1_definition="rms"), OFFSETS[::5], b1_ut, 3.0)
    assert np.all(np.abs(z) <= 1.0 + 1e-9)
