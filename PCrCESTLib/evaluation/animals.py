"""Digital animals for group studies: one muscle each, seen as the mean spectrum of its region."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.evaluation.methods import Estimate, Method, TwoBranch
from PCrCESTLib.models.inference import Spectra, aligned
from PCrCESTLib.models.region import at_likely_noise
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue, observed_r1
from PCrCESTLib.synthesis.reference import R1_KNOWN_TO
from PCrCESTLib.synthesis.spectra import CleanSpectra, frames_of

N_PLACES, VOXELS_A_PLACE = 5, 40  # B0 and B1 vary smoothly: neighbors share theirs, each has its own noise
N_VOXELS = N_PLACES * VOXELS_A_PLACE
VOXEL_NOISE_SD = 0.01
MEAN_FS, MEAN_KSW_PER_S = 1.0e-3, 110.0
# Between animals of one group, relative SDs but for B0.
FS_SD, KSW_SD, T1_SD, T2_SD, FM_SD = 0.12, 0.10, 0.025, 0.05, 0.08
B0_SD_PPM, B1_SD = 0.08, 0.06
B0_SD_WITHIN_PPM, B1_SD_WITHIN = 0.02, 0.02
_ANIMALS_AT_ONCE = 16


@dataclass(frozen=True)
class Muscle:
    """A muscle model of `muscle_tissue` with its mean water T1 and T2 (s) and MT pool-size ratio."""

    family: str
    t1_s: float
    t2_s: float
    fm: float


# The middle of the reference paper's grids, and what measured control rats have.
MUSCLES = (Muscle("reference", 1.4, 0.040, 0.15), Muscle("realistic", 1.62, 0.024, 0.10))


@dataclass(frozen=True, eq=False)
class Animals:
    """Truth of n animals of one muscle model, every array (n,); units as in the names, ``ksw`` in s⁻¹."""

    muscle: Muscle
    fs: np.ndarray
    ksw: np.ndarray
    t1_s: np.ndarray
    t2_s: np.ndarray
    fm: np.ndarray
    b0_ppm: np.ndarray
    relative_b1: np.ndarray

    def changed(self, *, fs: float = 1.0, t1: float = 1.0, fm: float = 1.0) -> Animals:
        """Return the same animals with fs, T1 and fm multiplied."""
        return replace(self, fs=self.fs * fs, t1_s=self.t1_s * t1, fm=self.fm * fm)

    def __len__(self) -> int:
        return len(self.fs)


def draw_animals(muscle: Muscle, n: int, rng: np.random.Generator) -> Animals:
    """Draw ``n`` animals of one group."""

    def spread(mean: float, sd: float) -> np.ndarray:
        return mean * np.exp(rng.normal(0, sd, n))

    return Animals(
        muscle,
        spread(MEAN_FS, FS_SD),
        spread(MEAN_KSW_PER_S, KSW_SD),
        spread(muscle.t1_s, T1_SD),
        spread(muscle.t2_s, T2_SD),
        spread(muscle.fm, FM_SD),
        rng.normal(0, B0_SD_PPM, n),
        1 + rng.normal(0, B1_SD, n),
    )


def describe_animals() -> str:
    """Say in words what the animals and their scans are."""
    return (
        f"A muscle has {N_VOXELS} voxels with SD of Z {VOXEL_NOISE_SD:g}; R1obs is known to {R1_KNOWN_TO:.0%}, B1 not "
        f"known. Controls have fs {MEAN_FS * 1e3:g}·10⁻³ and ksw {MEAN_KSW_PER_S:g} s⁻¹ on average. Between animals fs "
        f"varies by {FS_SD:.0%}, ksw {KSW_SD:.0%}, T1 {T1_SD:.1%}, T2 {T2_SD:.0%}, fm {FM_SD:.0%}, B1 {B1_SD:.0%} and "
        f"B0 by {B0_SD_PPM:g} ppm (SD); within a muscle B1 by {B1_SD_WITHIN:.0%} and B0 by {B0_SD_WITHIN_PPM:g} ppm."
    )


def voxel_spectra(
    animals: Animals,
    protocol: Protocol,
    source: Source,
    rng: np.random.Generator,
    *,
    b0_sd_within_ppm: float = B0_SD_WITHIN_PPM,
    b1_sd_within: float = B1_SD_WITHIN,
) -> tuple[Spectra, np.ndarray]:
    """Scan every voxel of every animal; animal i has the rows i·`N_VOXELS` and following.

    Returns
    -------
    Spectra
        With R1obs known to `R1_KNOWN_TO` (one error an animal) and B1 unknown.
    ndarray
        The true relative B1 of every row.
    """
    clean = _places(animals, protocol, rng, b0_sd_within_ppm, b1_sd_within)
    rows = np.repeat(np.arange(len(clean)), VOXELS_A_PLACE)
    voxels = source.scan(clean.take(rows), np.full(len(rows), VOXEL_NOISE_SD, dtype=np.float32), rng, perfect_share=1.0)
    r1 = observed_r1(animals.t1_s, animals.fm) * (1 + R1_KNOWN_TO * rng.standard_normal(len(animals)))
    unknown = np.full(len(rows), np.nan)
    return replace(voxels, r1_obs=np.repeat(r1, N_VOXELS), relative_b1=unknown), clean.relative_b1[rows]


def mean_spectra(animals: Animals, protocol: Protocol, source: Source, rng: np.random.Generator) -> Spectra:
    """Scan every animal and average its region as the ROI table does: each voxel moved to its own water first.

    Returns
    -------
    Spectra
        One an animal, measured from water, with the noise SD of a mean of `N_VOXELS`; R1obs known to
        `R1_KNOWN_TO`, B1 unknown.
    """
    clean = _places(animals, protocol, rng, B0_SD_WITHIN_PPM, B1_SD_WITHIN)
    grid = source.offsets_ppm[0]
    means = np.empty((len(animals), len(source.offsets_ppm) * len(grid)), dtype=np.float32)
    for start in range(0, len(animals), _ANIMALS_AT_ONCE):
        stop = min(start + _ANIMALS_AT_ONCE, len(animals))
        rows = np.repeat(np.arange(start * N_PLACES, stop * N_PLACES), VOXELS_A_PLACE)
        sigma = np.full(len(rows), VOXEL_NOISE_SD, dtype=np.float32)
        voxels = source.scan(clean.take(rows), sigma, rng, perfect_share=1.0)
        z = aligned(voxels, grid).reshape(stop - start, N_VOXELS, -1)
        means[start:stop] = z.mean(axis=1, dtype=np.float64)
    n, r1 = len(animals), observed_r1(animals.t1_s, animals.fm)
    return Spectra(
        [grid] * len(source.offsets_ppm),
        np.split(means, len(source.offsets_ppm), axis=1),
        np.full(n, VOXEL_NOISE_SD / np.sqrt(N_VOXELS)),
        np.zeros(n),
        r1 * (1 + R1_KNOWN_TO * rng.standard_normal(n)),
        np.full(n, np.nan),
    )


def _places(
    animals: Animals, protocol: Protocol, rng: np.random.Generator, b0_sd_ppm: float, b1_sd: float
) -> CleanSpectra:
    """Exact spectra of every place of every animal, (n_animals·N_PLACES, n_frames), single precision."""
    a = animals
    fs, ksw, t1, t2, fm, b0, b1 = (
        np.repeat(v, N_PLACES) for v in (a.fs, a.ksw, a.t1_s, a.t2_s, a.fm, a.b0_ppm, a.relative_b1)
    )
    b0 = b0 + rng.normal(0, b0_sd_ppm, len(b0))
    b1 = b1 * (1 + rng.normal(0, b1_sd, len(b1)))
    tissue = muscle_tissue(fs, ksw, t1, t2, fm, family=a.muscle.family).map(_single)
    offsets, b1_ut = frames_of(protocol)
    z = z_spectra(
        tissue,
        protocol.saturation,
        _single(offsets),
        _single(b1_ut),
        protocol.field_t,
        b0_shift_ppm=_single(b0),
        relative_b1=_single(b1),
    )
    return CleanSpectra(np.asarray(z), fs, ksw, observed_r1(t1, fm), fm, b1, b0)


def _single(values: float | np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def region_estimate(method: Method, means: Spectra) -> Estimate:
    """Let a method estimate fs and ksw from mean spectra of regions, ours at their likely noise as in the ROI table."""
    if not isinstance(method, TwoBranch):
        return method.estimate(means)
    return method.estimate(at_likely_noise(method.model, means))
