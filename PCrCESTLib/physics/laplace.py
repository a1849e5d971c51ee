"""Continuous wave, second level: numerical inversion of the Laplace transform.

e^x on the negative real axis is replaced by its near-best rational approximation of type (9, 10), whose error
there is 3e-9, so the solution is a sum of five resolvents at complex s (Trefethen, Weideman and Schmelzer,
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

# Poles in the upper half plane and their residues; the lower half plane holds the conjugates.
POLES_AND_RESIDUES = (
    (4.0277324837297535 + 1.1938560673334335j, -4.818382059006333 - 21.05459759714486j),
    (3.28375290009884 + 3.5943867748123672j, 7.117165209500308 + 8.819533323105892j),
    (1.7154060337877302 + 6.038934929043315j, -2.5655849971270768 - 1.2163857858593981j),
    (-0.8944046821711842 + 8.582756902505864j, 0.2725869854616625 + 0.014211728317987423j),
    (-5.161191251645943 + 11.375156254838243j, -0.005784903977335338 + 0.0006858507045167331j),
)


def solve_laplace(system: System, boundary: Boundary, duration_s: float) -> Array:
    """Z after ``duration_s`` of irradiation; the system must be in float64."""
    z: Array = 1.0
    for pole, residue in POLES_AND_RESIDUES:
        s = pole / duration_s
        drive, start = response(eliminate(system, s), boundary)
        z = z - ((2.0 / duration_s) * residue * (drive / s + start)).real
    return z
