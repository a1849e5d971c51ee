"""An independent answer: the whole Bloch-McConnell matrix, written from the equations, and SciPy's expm."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm

from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water
from PCrCESTLib.physics.arrays import NumpyBackend
from PCrCESTLib.physics.lineshape import line_shape

OFFSETS_FAR_AND_NEAR = 60, 29


def bloch_matrix(tissue, index, delta_rad_s, omega1, rad_per_ppm):
    """dM/dt = B (M, 1) for one tissue, one matrix for each offset from water: (n, size, size)."""

    def number(value):
        return float(np.broadcast_to(value, (tissue.n_tissues,))[index])

    pools, semisolid = tissue.pools, tissue.semisolid
    size = 3 * (len(pools) + 1) + (semisolid is not None) + 1
    b = np.zeros((len(delta_rad_s), size, size))
    equilibrium = np.zeros(size)
    equilibrium[[2, -1]] = 1.0

    def spin(row, delta, r1, r2, m0):
        b[:, [row, row + 1, row + 2], [row, row + 1, row + 2]] -= [r2, r2, r1]
        b[:, row, row + 1], b[:, row + 1, row] = -delta, delta
        b[:, row + 1, row + 2], b[:, row + 2, row + 1] = -omega1, omega1
        b[:, row + 2, -1] = r1 * m0

    def exchange(row, water_row, f, k):
        b[:, row, row] -= k
        b[:, row, water_row] += k * f
        b[:, water_row, water_row] -= k * f
        b[:, water_row, row] += k

    spin(0, delta_rad_s, 1 / number(tissue.water.t1_s), 1 / number(tissue.water.t2_s), 1.0)
    for place, pool in enumerate(pools, start=1):
        row, f = 3 * place, number(pool.fraction)
        delta = delta_rad_s - number(pool.shift_ppm) * rad_per_ppm
        spin(row, delta, 1 / number(pool.t1_s), 1 / number(pool.t2_s), f)
        for axis in range(3):
            exchange(row + axis, axis, f, number(pool.k_per_s))
        equilibrium[row + 2] = f
    if semisolid is not None:
        f, r1 = number(semisolid.fraction), 1 / number(semisolid.t1_s)
        delta = delta_rad_s - number(semisolid.shift_ppm) * rad_per_ppm
        cut = semisolid.cut_ppm * rad_per_ppm
        g = line_shape(NumpyBackend(float), semisolid.line_shape, delta, number(semisolid.t2_s), cut)
        b[:, -2, -2] -= r1 + np.pi * omega1**2 * g
        b[:, -2, -1] = r1 * f
        exchange(size - 2, 2, f, number(semisolid.k_per_s))
        equilibrium[-2] = f
    return b, equilibrium


def spoiler(size, n_pools):
    """Matrix that removes the transverse components of water and every solute."""
    keep = np.ones(size)
    for row in range(0, 3 * (n_pools + 1), 3):
        keep[[row, row + 1]] = 0.0
    return np.diag(keep)


def reference_z(tissue, saturation, offsets_ppm, b1_ut, field_t, b0_shift_ppm=0.0, relative_b1=1.0):
    """Z of every tissue after continuous-wave saturation, by full matrix exponentials."""
    rad_per_ppm = GAMMA * field_t
    n = tissue.n_tissues
    shifts, scales = np.broadcast_to(b0_shift_ppm, n), np.broadcast_to(relative_b1, n)
    rows = []
    for index in range(n):
        delta = (np.asarray(offsets_ppm) - shifts[index]) * rad_per_ppm
        b, m = bloch_matrix(tissue, index, delta, GAMMA * b1_ut * scales[index], rad_per_ppm)
        free, _ = bloch_matrix(tissue, index, delta, 0.0, rad_per_ppm)
        spoil = spoiler(len(m), len(tissue.pools))
        m = m.copy()
        m[:-1] *= saturation.starting_mz
        state = np.broadcast_to(m, (len(delta), len(m)))[..., None]
        if saturation.free_recovery_s:
            state = expm(free * saturation.free_recovery_s) @ state
        state = spoil @ (expm(b * saturation.duration_s) @ state)
        if saturation.readout_delay_s:
            state = expm(free * saturation.readout_delay_s) @ state
        rows.append(state[:, 2, 0])
    return np.array(rows)


def random_case(rng, n_tissues):
    """Tissues, offsets, relative B1, field and duration that span far more than what is found in muscle.

    Every number is exact in float32, so that one reference serves both precisions.
    Returns (tissue, offsets_ppm of 89 frames, relative_b1 for a nominal 1 µT, field_t, duration_s).
    """

    def uniform(low, high):
        return rng.uniform(low, high, n_tissues).astype(np.float32).astype(float)

    def spread(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), n_tissues)).astype(np.float32).astype(float)

    pools = tuple(
        Pool(
            name=f"pool {number}",
            shift_ppm=uniform(-5, 5),
            fraction=spread(1e-4, 2e-2),
            k_per_s=spread(2, 1e4),
            t1_s=uniform(0.7, 3),
            t2_s=spread(3e-4, 0.1),
        )
        for number in range(rng.integers(1, 6))
    )
    semisolid = None
    if rng.random() < 0.7:
        semisolid = SemisolidPool(
            fraction=uniform(0.01, 0.2),
            k_per_s=uniform(10, 60),
            t1_s=1.0,
            t2_s=spread(8e-6, 8e-5),
            shift_ppm=uniform(-3, 0),
            line_shape=str(rng.choice(["super-lorentzian", "lorentzian", "gaussian"])),
        )
    tissue = Tissue(Water(uniform(0.8, 3), spread(0.01, 1.0)), pools, semisolid)
    far, near = OFFSETS_FAR_AND_NEAR
    offsets = np.sort(np.concatenate([rng.uniform(-10, 10, far), rng.uniform(-0.2, 0.2, near)]))
    field_t = float(rng.choice([3.0, 4.7, 7.0, 9.4, 11.7]))
    duration_s = float(np.exp(rng.uniform(np.log(0.5), np.log(15))))
    return tissue, offsets, spread(0.1, 6.0), field_t, duration_s


def as_kind(tissue, convert):
    """Return the tissue with ``convert`` applied to every array; plain numbers stay."""
    return tissue.map(lambda value: convert(value) if isinstance(value, np.ndarray) else value)
