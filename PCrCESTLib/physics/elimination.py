"""Elimination of every solute from the resolvent (s − A)⁻¹ of the Bloch-McConnell matrix A.

Solutes exchange with water and not with each other, so at any Laplace variable s each 3 × 3 solute block (and
the scalar semi-solid block) can be solved by itself. What remains is a 3 × 3 problem for water, written out
here elementwise; s may be real or complex.

A is symmetric but for signs and scale: with J = diag(1, −1, 1) on every (x, y, z) and W the equilibrium
magnetization of each pool, Aᵀ = J W⁻¹ A W J. (Detailed balance makes the exchange part symmetric; precession
is antisymmetric.) So rows of the resolvent come from the same few numbers as its columns, and left
eigenvectors from right ones. Vectors are kept divided by W.
"""

from __future__ import annotations

from dataclasses import dataclass

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.free import Boundary
from PCrCESTLib.physics.system import System


@dataclass(frozen=True, eq=False)
class Solved:
    """One solute's block D = s − A_ii: p = s + R2 + k, q = s + R1 + k, m = p² + Δ² and 1/det D."""

    p: Array
    q: Array
    m: Array
    inverse_determinant: Array


@dataclass(frozen=True, eq=False)
class Eliminated:
    """The water problem at one s: the matrix [[xx, xy, xz], [−xy, yy, yz], [xz, −yz, zz]]."""

    system: System
    s: Array
    solved: tuple[Solved, ...]
    xx: Array
    yy: Array
    zz: Array
    xy: Array
    xz: Array
    yz: Array


@dataclass(frozen=True, eq=False)
class Mode:
    """The solution of all but water's z equation with water's z component set to 1.

    Attributes
    ----------
    residual : array
        What is left of water's z equation, g(s). It is zero at the eigenvalues of A, and its inverse is the
        (z, z) element of the resolvent.
    slope : array
        dg/ds: the squared length of the solution in the metric W J.
    drive : array
        Overlap of the solution with the irradiation's action on the equilibrium magnetization.
    longitudinal : list of array
        z components of water, solutes and semi-solid pool, divided by their equilibrium.
    """

    residual: Array
    slope: Array
    drive: Array
    longitudinal: list[Array]


def eliminate(system: System, s: Array) -> Eliminated:
    """Eliminate the solutes at Laplace variable ``s`` (1/s), a number or an array that broadcasts."""
    w = system.omega1
    w2 = w * w
    solved = []
    # Sums over the solutes of the elements of k² f D⁻¹. In zz the loss k f and the return k² f D⁻¹_zz nearly
    # cancel, so their difference is formed before the numbers: that keeps float32 exact.
    sum_u: Array = 0.0
    yy: Array = s + system.r2
    zz: Array = s + system.r1
    xy = system.delta
    sum_d: Array = 0.0
    sum_p: Array = 0.0
    for solute in system.solutes:
        d, k, r1 = solute.delta, solute.k, s + solute.r1
        p = s + (solute.r2 + k)
        q = r1 + k
        m = d * d + p * p
        pw2 = p * w2
        inverse = 1.0 / (q * m + pw2)
        forward = solute.fraction * k
        u = (forward * k) * inverse
        up, ud = u * p, u * d
        sum_u = sum_u + u
        yy = yy + (forward - up * q)
        xy = xy + ud * q
        sum_d = sum_d + ud
        sum_p = sum_p + up
        zz = zz + (forward * inverse) * (r1 * m + pw2)
        solved.append(Solved(p, q, m, inverse))
    if system.semisolid is not None:
        pool = system.semisolid
        own_loss = s + pool.r1 + pool.saturation
        zz = zz + (pool.fraction * pool.k) * own_loss / (own_loss + pool.k)
    return Eliminated(system, s, tuple(solved), yy - w2 * sum_u, yy, zz, xy, -w * sum_d, w * (1.0 + sum_p))


def slow_function(e: Eliminated) -> Array:
    """g(s) alone; see `Mode`."""
    cofactor = e.xx * e.yy + e.xy * e.xy
    x, y = e.xy * e.yz - e.xz * e.yy, e.xx * e.yz + e.xz * e.xy
    return e.zz + (e.xz * x + e.yz * y) / cofactor


def solve_mode(e: Eliminated) -> Mode:
    """Solve all but water's z equation; see `Mode`."""
    system, w = e.system, e.system.omega1
    inverse_cofactor = 1.0 / (e.xx * e.yy + e.xy * e.xy)
    x = (e.xy * e.yz - e.xz * e.yy) * inverse_cofactor
    y = (e.xx * e.yz + e.xz * e.xy) * -inverse_cofactor
    residual = e.zz + e.xz * x - e.yz * y
    slope = 1.0 + x * x - y * y
    sum_y = y
    longitudinal: list[Array] = [1.0]
    for solute, b in zip(system.solutes, e.solved, strict=True):
        scale = solute.k * b.inverse_determinant
        beta = solute.delta * x + b.p * y
        pool_x = scale * (b.q * (b.p * x - solute.delta * y) + w * (w * x + solute.delta))
        pool_y = scale * (b.q * beta - b.p * w)
        pool_z = scale * (w * beta + b.m)
        slope = slope + solute.fraction * (pool_x * pool_x - pool_y * pool_y + pool_z * pool_z)
        sum_y = sum_y + solute.fraction * pool_y
        longitudinal.append(pool_z)
    drive = w * sum_y
    if system.semisolid is not None:
        pool = system.semisolid
        pool_z = pool.k / (e.s + pool.r1 + pool.saturation + pool.k)
        slope = slope + pool.fraction * (pool_z * pool_z)
        drive = drive - pool.fraction * pool.saturation * pool_z
        longitudinal.append(pool_z)
    return Mode(residual, slope, drive, longitudinal)


def response(e: Eliminated, boundary: Boundary) -> tuple[Array, Array]:
    """Give what the readout sees of the irradiation and of the starting deviations.

    Returns
    -------
    drive, start : tuple of array
        The readout's deviation from equilibrium has the Laplace transform drive/s + start.
    """
    if boundary.weights is None:
        mode = solve_mode(e)
        start = overlap(mode.longitudinal, boundary.deviations)
        return mode.drive / mode.residual, start / mode.residual
    drive, longitudinal = _weighted_solution(e, boundary.weights)
    return drive, overlap(longitudinal, boundary.deviations)


def overlap(longitudinal: list[Array], deviations: list[Array] | None) -> Array:
    """Sum of the products of z components and deviations; 0 where there are no deviations."""
    if deviations is None:
        return 0.0
    return sum((z * deviation for z, deviation in zip(longitudinal, deviations, strict=True)), 0.0)


def _weighted_solution(e: Eliminated, weights: list[Array]) -> tuple[Array, list[Array]]:
    """Solve the whole problem with the readout weights as its right-hand side."""
    system, w = e.system, e.system.omega1
    solute_weights = weights[1 : len(system.solutes) + 1]
    right_x: Array = 0.0
    right_y: Array = 0.0
    right_z = weights[0]
    for solute, b, weight in zip(system.solutes, e.solved, solute_weights, strict=True):
        scale = solute.fraction * solute.k * weight * b.inverse_determinant
        right_x = right_x + scale * solute.delta * w
        right_y = right_y - scale * b.p * w
        right_z = right_z + scale * b.m
    if system.semisolid is not None:
        pool = system.semisolid
        semisolid_inverse = 1.0 / (e.s + pool.r1 + pool.saturation + pool.k)
        right_z = right_z + pool.fraction * pool.k * weights[-1] * semisolid_inverse
    x, y, z = _solve_water(e, right_x, right_y, right_z)
    sum_y, longitudinal = y, [z]
    for solute, b, weight in zip(system.solutes, e.solved, solute_weights, strict=True):
        beta, source = solute.delta * x + b.p * y, solute.k * z + weight
        pool_y = (solute.k * b.q * beta - b.p * w * source) * b.inverse_determinant
        sum_y = sum_y + solute.fraction * pool_y
        longitudinal.append((solute.k * w * beta + b.m * source) * b.inverse_determinant)
    drive = w * sum_y
    if system.semisolid is not None:
        longitudinal.append((pool.k * z + weights[-1]) * semisolid_inverse)
        drive = drive - pool.fraction * pool.saturation * longitudinal[-1]
    return drive, longitudinal


def _solve_water(e: Eliminated, right_x: Array, right_y: Array, right_z: Array) -> tuple[Array, Array, Array]:
    """Solve the 3 × 3 water problem by Cramer's rule."""
    c_xx = e.yy * e.zz + e.yz * e.yz
    c_xy = e.xy * e.zz + e.xz * e.yz
    c_xz = e.xy * e.yz - e.xz * e.yy
    c_yy = e.xx * e.zz - e.xz * e.xz
    c_yz = e.xx * e.yz + e.xz * e.xy
    c_zz = e.xx * e.yy + e.xy * e.xy
    inverse = 1.0 / (e.xz * c_xz + e.yz * c_yz + e.zz * c_zz)
    x = (c_xx * right_x - c_xy * right_y + c_xz * right_z) * inverse
    y = (c_xy * right_x + c_yy * right_y - c_yz * right_z) * inverse
    z = (c_xz * right_x + c_yz * right_y + c_zz * right_z) * inverse
    return x, y, z
