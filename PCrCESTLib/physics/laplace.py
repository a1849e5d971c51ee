"""Continuous wave, second level: numerical inversion of the Laplace transform.

e^x on the negative real axis is replaced by its near-best rational approximation of type (9, 10), whose error
there is 2e-10, so the solution is a sum of five resolvents at complex s (Trefethen, Weideman and Schmelzer,
BIT 46:653, 2006, with the Carathéodory-Fejér method). Modes may decay at any real rate. Modes that oscillate
must have died: left of Re x = −16 both e^x and its approximation are below 7e-7 in size, whatever
Im x is.
"""

from __future__ import annotations

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.elimination import eliminate, response
from PCrCESTLib.physics.free import Boundary
from PCrCESTLib.physics.system import System

OSCILLATIONS_DEAD_AT = 16.0
"""Decay rate × duration beyond which an oscillating mode may be left to the rational approximation."""

# Poles in the upper half plane and their residues, from the Carathéodory-Fejér method and a least-squares
# refinement along the axis; the lower half plane holds the conjugates.
POLES_AND_RESIDUES = (
    (4.027696649389926 + 1.193838954944395j, -4.818587740122229 - 21.05350504145829j),
    (3.2837265939135643 + 3.5943951164302415j, 7.117305783089954 + 8.819586425315098j),
    (1.715324972791061 + 6.03923699925588j, -2.565518159061794 - 1.2170425926432387j),
    (-0.8946370195778526 + 8.584169295774451j, 0.27258960637061536 + 0.014508141607311925j),
    (-5.16110870867468 + 11.379879442402222j, -0.005789309540087906 + 0.0006636232936873539j),
)


def solve_laplace(system: System, boundary: Boundary, duration_s: float) -> Array:
    """Z after ``duration_s`` of irradiation; the system must be in float64."""
    z: Array = 1.0
    for pole, residue in POLES_AND_RESIDUES:
        s = pole / duration_s
        drive, start = response(eliminate(system, s), boundary)
        z = z - ((2.0 / duration_s) * residue * (drive / s + start)).real
    return z
