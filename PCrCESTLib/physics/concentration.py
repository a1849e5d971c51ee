"""Proton fraction of a metabolite and its concentration, one into the other.

f = n·c / 111 000 mM, where n is the number of exchangeable protons per molecule that resonate at the peak and
111 M the protons of pure water. Sources disagree on n for the 2.6 ppm peak of phosphocreatine: 2 (Chen 2020,
Nat Commun 11:1072) or 1 (Khlebnikov 2019, Sci Rep 9:1089), so it is an argument, and the fraction is always
the result that is reported first.
"""

from __future__ import annotations

from typing import Any

from PCrCESTLib.errors import PhysicsError

WATER_PROTON_MM = 111_000.0  # 55.5 mol/l of water with two protons each
PCR_PROTONS = 2.0
PCR_PPM = 2.6  # offset of its guanidinium protons from water


def fraction_from_concentration(concentration_mm: Any, protons: float = PCR_PROTONS) -> Any:
    """Proton fraction (dimensionless) of a metabolite at ``concentration_mm`` mmol per liter of water.

    Scalars and arrays of any shape; ``protons`` is the number of exchangeable protons per molecule.

    Raises
    ------
    PhysicsError
        When ``protons`` is not positive.
    """
    _check(protons)
    return concentration_mm * protons / WATER_PROTON_MM


def concentration_from_fraction(fraction: Any, protons: float = PCR_PROTONS) -> Any:
    """Concentration (mmol per liter of water) that gives the proton ``fraction``; inverse of the above.

    Raises
    ------
    PhysicsError
        When ``protons`` is not positive.
    """
    _check(protons)
    return fraction * WATER_PROTON_MM / protons


def _check(protons: float) -> None:
    if not protons > 0:
        raise PhysicsError(f"{protons:g} exchangeable protons per molecule; a positive number is expected")
