"""A measured background holds the tissue, and none of its PCr."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.preparation.local_means import LocalMeans, local_means
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.readers import read_map, read_rois, read_series
from PCrCESTLib.synthesis.backgrounds import (
    BACKGROUND_POOLS,
    load_backgrounds,
    require_powers,
    save_backgrounds,
    spin_lock_angle,
)
from PCrCESTLib.synthesis.extraction import components, extract_backgrounds, join_backgrounds
from PCrCESTLib.synthesis.families import (
    BROAD,
    FS_RANGE,
    KSW_RANGE_PER_S,
    PAPER_LIKE,
    RICH,
    MuscleFamily,
    PoolPrior,
    Range,
    draw_muscle,
)

PROTOCOL = named_protocol("rat-4.7T-triple")
OFFSETS = np.unique([PROTOCOL.offsets_ppm[i] for i in PROTOCOL.saturated_frames])
PCR = (OFFSETS >= 2.2) & (OFFSETS <= 3.0)
LOW_FS, HIGH_FS = 0.4e-3, 1.4e-3
N = 16
# The muscle that the extraction was specified on: what differs from the training's, which goes beyond measured muscle.
_T2_S = Range(0.007, 0.014)
SPECIFIED: dict[str, dict[str, Range]] = {
    "PCr": {"fraction": Range(*FS_RANGE, log=True), "k_per_s": Range(*KSW_RANGE_PER_S, log=True), "t2_s": _T2_S},
    "PCr 1.94": {"k_per_s": Range(0.4, 2.4, log=True), "t2_s": _T2_S},
    "Cr": {"t2_s": _T2_S},
    "amine": {"fraction": Range(0.3e-3, 5e-3)},
    "NOE -3.3": {"fraction": Range(2e-3, 0.025)},
    "NOE -2.7": {"fraction": Range(0.5e-3, 6e-3), "k_per_s": Range(8, 40, log=True)},
    "NOE -1.6": {"fraction": Range(0.3e-3, 4e-3), "k_per_s": Range(10, 60, log=True)},
    "NOE -1": {"k_per_s": Range(10, 60, log=True)},
    "NOE broad": {"fraction": Range(5e-3, 0.03)},
}


def specified(family: MuscleFamily) -> MuscleFamily:
    """The family with the ranges of `SPECIFIED`."""

    def prior(pool: PoolPrior) -> PoolPrior:
        return replace(pool, **SPECIFIED.get(pool.name, {}))

    return replace(family, pools=tuple(prior(pool) for pool in family.pools))


def spectra(tissue: Tissue, b1_ut: float, field_t: float = 4.7) -> np.ndarray:
    b1 = np.full(len(OFFSETS), b1_ut)
    return np.asarray(z_spectra(tissue, PROTOCOL.saturation, OFFSETS, b1, field_t))


class Muscle:
    """The same random tissues with little and with much PCr, and what is extracted from each."""

    def __init__(self, family: MuscleFamily, b1_ut: float, noise_sd: float = 0.0) -> None:
        self.b1_ut = b1_ut
        draw = draw_muscle(specified(family), N, np.random.default_rng(4))
        pcr, names = draw.tissue.pools[0], [p.name for p in draw.tissue.pools]
        noise = noise_sd * np.random.default_rng(5).standard_normal((N, len(OFFSETS)))
        cos2, self.sin2 = spin_lock_angle(OFFSETS, np.full(len(OFFSETS), b1_ut), 4.7)
        self.unit = draw.r1_obs[:, None] * cos2
        self.z, self.parts = [], []
        for fs in (LOW_FS, HIGH_FS):
            tissue = draw.tissue.with_pool(replace(pcr, fraction=np.full(N, fs)))
            self.z.append(spectra(tissue, b1_ut))
            measured = zip(self.z[-1] + noise, draw.r1_obs, strict=True)
            self.parts.append([components(OFFSETS, z, float(r1), b1_ut, 4.7) for z, r1 in measured])
        self.bare = spectra(draw.tissue.without(*(n for n in names if n not in BACKGROUND_POOLS)), b1_ut)

    def background(self, which: int) -> np.ndarray:
        return np.array([part.amine + part.mt for part in self.parts[which]])

    def reconstructed(self, which: int) -> np.ndarray:
        water = np.array([part.r2w for part in self.parts[which]])[:, None] * self.sin2
        increment = 1 / self.z[which] - 1 / self.bare
        return 1 / (1 + (water + self.background(which)) / self.unit + increment)


@pytest.fixture(scope="module", params=[(f, b1) for f in (PAPER_LIKE, RICH, BROAD) for b1 in (0.25, 0.5, 1.0)],
                ids=lambda p: f"{p[0].name} {p[1]} uT")  # fmt: skip
def muscle(request) -> Muscle:
    return Muscle(*request.param)


def bump(curves: np.ndarray) -> np.ndarray:
    """Curves (n, n_offsets) under PCr minus the chord between their ends."""
    window = curves[:, PCR]
    return window - window[:, :1] - (window[:, -1:] - window[:, :1]) * np.linspace(0, 1, PCR.sum())


def share_of_pcr(curves: np.ndarray, muscle: Muscle) -> np.ndarray:
    """How much of PCr's own shape is in curves of 1/Z·R1obs·cos²θ: 1 for the effect of fs = 1e-3, (n,)."""
    shape = bump((1 / muscle.z[1] - 1 / muscle.z[0]) * muscle.unit)
    return np.sum(shape * bump(curves), axis=1) / np.sum(shape**2, axis=1)


def leak_of(muscle: Muscle) -> tuple[np.ndarray, np.ndarray]:
    """Change of the background under PCr over the change of the source: its maximum, and its share of PCr's shape."""
    effect = ((1 / muscle.z[1] - 1 / muscle.z[0]) * muscle.unit)[:, PCR]
    leak = muscle.background(1) - muscle.background(0)
    return np.abs(leak[:, PCR]).max(axis=1) / effect.max(axis=1), np.abs(share_of_pcr(leak, muscle))


def test_more_pcr_in_the_source_does_not_change_the_background(muscle):
    """PCr 0.4 → 1.4·10⁻³: typically 2 %, at worst 20 %, of the effect shows, and hardly any with PCr's shape."""
    whole, shaped = leak_of(muscle)
    assert np.median(whole) < 0.03
    assert np.max(whole) < 0.2
    assert np.max(shaped) < 0.025


def test_background_and_exact_increments_give_the_spectrum_again(muscle):
    """Typical error of Z; what remains is Cr against amine and NOE against MT, which no spectrum tells apart.

    Read as PCr it is worth 0.03e-3 of fs at 0.25 and 0.5 µT, and 0.1e-3 at 1 µT.
    """
    away = np.abs(OFFSETS) >= 1
    for which in (0, 1):
        again = muscle.reconstructed(which)
        error = np.abs(again - muscle.z[which])
        assert np.median(error[:, away]) < 0.02
        assert np.median(error[:, PCR]) < 0.013
        as_pcr = share_of_pcr((1 / again - 1 / muscle.z[which]) * muscle.unit, muscle)
        assert np.median(np.abs(as_pcr)) < (0.11 if muscle.b1_ut == 1.0 else 0.05)


def test_noise_of_a_local_mean_does_not_let_pcr_in():
    whole, shaped = leak_of(Muscle(PAPER_LIKE, 0.5, noise_sd=0.001))
    assert np.median(whole) < 0.03
    assert np.median(shaped) < 0.01


def one_block(
    z: np.ndarray, powers: tuple[float, ...], offsets: np.ndarray = OFFSETS, r1: float = 0.65
) -> LocalMeans:
    return LocalMeans(offsets, np.array(powers), z[None], np.array([r1]), np.array([80]), ("leg",))


@pytest.fixture(scope="module")
def dual_spectrum() -> np.ndarray:
    tissue = draw_muscle(specified(PAPER_LIKE), 1, np.random.default_rng(1)).tissue
    return np.concatenate([spectra(tissue, 0.5), spectra(tissue, 1.0)])


def test_several_scans_make_one_file_with_their_history(dual_spectrum, tmp_path):
    one = extract_backgrounds(one_block(dual_spectrum, (0.5, 1.0)), 4.7, "rat 1")
    assert one.blocks[0]["voxels"] == 80
    assert max(one.blocks[0]["fit_rms"]) < 0.01
    joined = join_backgrounds([one.backgrounds] * 3, {"field_t": 4.7, "scans": [{"sha256": "ab"}]})
    save_backgrounds(joined, tmp_path / "b.npz")
    again = load_backgrounds(tmp_path / "b.npz")
    assert again.n_tissues == 3
    assert again.provenance["scans"] == [{"sha256": "ab"}]
    np.testing.assert_array_equal(again.amine, joined.amine)
    require_powers(again, named_protocol("rat-4.7T-dual"))
    with pytest.raises(ReaderError, match=r"at 0\.5 \+ 1 µT, the protocol also has 0\.25 µT"):
        require_powers(again, PROTOCOL)
    with pytest.raises(ReaderError, match=r"at 3 T, the protocol is for 4\.7 T"):
        require_powers(replace(again, provenance={"field_t": 3.0}), named_protocol("rat-4.7T-dual"))


def test_an_unknown_r1_is_replaced_and_said(dual_spectrum):
    found = extract_backgrounds(one_block(dual_spectrum, (0.5, 1.0), r1=float("nan")), 4.7, "rat 1")
    assert "R1obs is unknown and taken as 0.65 1/s" in found.notes[0]
    known = extract_backgrounds(one_block(dual_spectrum, (0.5, 1.0), r1=0.65), 4.7, "rat 1")
    np.testing.assert_array_equal(found.backgrounds.mt, known.backgrounds.mt)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (np.abs(OFFSETS) <= 4, "reach from -4 to 4 ppm"),
        ((OFFSETS < 2.2) | (OFFSETS > 3.0), r"PCr window .* gaps of 1 ppm"),
        (np.abs(OFFSETS) > 0.6, "water dip is not sampled"),
    ],
)
def test_offsets_that_leave_out_what_is_needed_are_refused(dual_spectrum, keep, message):
    with pytest.raises(ReaderError, match=f"rat 1: .*{message}"):
        extract_backgrounds(one_block(dual_spectrum[:, keep], (0.5, 1.0), OFFSETS[keep]), 4.7, "rat 1")


def test_spectra_that_are_no_muscle_are_refused(dual_spectrum):
    fat = dual_spectrum - 0.3 / (1 + ((OFFSETS + 1.0) / 0.1) ** 2)
    with pytest.raises(ReaderError, match="muscle does not explain these spectra"):
        extract_backgrounds(one_block(fat, (0.5, 1.0)), 4.7, "rat 1")


def test_measured_rat_legs_give_backgrounds_of_the_published_size(shared_data):
    """MT of the reference paper's rats, 0.41 s⁻¹ at 1 µT and 0.10 at 0.5 µT, means 0.026 at 0.25 µT (as B1²)."""
    found = []
    for rat in sorted((shared_data / "rat_leg_4p7T").iterdir()):
        series = prepare_series([read_series(rat / f"{rat.name}_cest.nii.gz")])
        rois = read_rois(rat / f"{rat.name}_legs.nii.gz", series.geometry)
        r1 = read_map(rat / f"{rat.name}_R1obs.nii.gz", "r1", series.geometry).values
        means = local_means(series, list(zip(rois.names, rois.masks, strict=True)), OFFSETS, r1)
        found.append(extract_backgrounds(means, series.field_t, rat.name))
    backgrounds = join_backgrounds([f.backgrounds for f in found], {})
    assert backgrounds.n_tissues >= 50
    assert max(block["fit_rms"][0] for f in found for block in f.blocks) < 0.006
    assert 0.010 < backgrounds.mt[:, 0, np.argmin(np.abs(OFFSETS + 2))].mean() < 0.040
    assert 0.0 < backgrounds.amine[:, 0, np.argmin(np.abs(OFFSETS - 2.6))].mean() < 0.026
