"""Exchange rates of labile protons as functions of pH and temperature.

In water near neutral pH guanidinium, amide and amine protons leave by base catalysis:

    k(pH, T) = k0 + kb(298.15 K) · exp[Ea/R · (1/298.15 K − 1/T)] · 10^(pH − pKw(T))

with kb in l mol⁻¹ s⁻¹ (Goerke 2014, NMR Biomed 27:507). Measured in phantoms; crowding, ions and buffers of a
cell change the rates, so the library's in vivo pools carry their own values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from PCrCESTLib.errors import PhysicsError

GAS_CONSTANT_KJ = 8.31446e-3  # kJ mol⁻¹ K⁻¹
REFERENCE_K = 298.15
ZERO_CELSIUS_K = 273.15
CREATINE_ACTIVATION_KJ = 32.27  # Goerke 2014, ± 7.43 kJ/mol


@dataclass(frozen=True)
class ExchangeLaw:
    """Base-catalyzed exchange of one kind of proton.

    Parameters
    ----------
    base_rate_l_per_mol_s : float
        Effective base-catalyzed rate constant at 298.15 K, l mol⁻¹ s⁻¹.
    activation_kj_per_mol : float
        Effective activation energy, kJ mol⁻¹.
    source : str
        Key of the source in the library's list.
    status : str
        ``read``, ``cited`` or ``assumed``, as in the library.
    spontaneous_per_s : float
        Rate that does not depend on pH, s⁻¹.
    """

    base_rate_l_per_mol_s: float
    activation_kj_per_mol: float
    source: str
    status: str
    spontaneous_per_s: float = 0.0

    def rate_per_s(self, ph: Any, temperature_c: Any) -> Any:
        """Exchange rate solute → water, s⁻¹, at ``ph`` and ``temperature_c`` (°C); arrays broadcast.

        Raises
        ------
        PhysicsError
            Outside pH 3–11 or 0–60 °C, where no source supports the law.
        """
        ph, temperature_c = np.asarray(ph, dtype=float), np.asarray(temperature_c, dtype=float)
        if not np.all((ph >= 3) & (ph <= 11)):
            raise PhysicsError(f"pH {_first_outside(ph, 3, 11):g} is outside 3 to 11, where the law holds")
        kelvin = temperature_c + ZERO_CELSIUS_K
        arrhenius = np.exp(self.activation_kj_per_mol / GAS_CONSTANT_KJ * (1 / REFERENCE_K - 1 / kelvin))
        hydroxide = 10.0 ** (ph - water_pkw(temperature_c))
        return self.spontaneous_per_s + self.base_rate_l_per_mol_s * arrhenius * hydroxide

    @classmethod
    def through(cls, rate_per_s: float, ph: float, temperature_c: float, source: str) -> ExchangeLaw:
        """Law through one published ``rate_per_s``, with creatine's activation energy (an assumption)."""
        unit = cls(1.0, CREATINE_ACTIVATION_KJ, source, "assumed")
        return replace(unit, base_rate_l_per_mol_s=rate_per_s / float(unit.rate_per_s(ph, temperature_c)))


def water_pkw(temperature_c: Any) -> Any:
    """Negative decimal logarithm of the ionic product of water at ``temperature_c`` (°C).

    Harned and Hamer 1933, J Am Chem Soc 55:2194: 4470.99/T + 0.01706·T − 6.0875, with T in K.

    Raises
    ------
    PhysicsError
        Outside 0–60 °C, the range of their measurements.
    """
    celsius = np.asarray(temperature_c, dtype=float)
    if not np.all((celsius >= 0) & (celsius <= 60)):
        raise PhysicsError(
            f"{_first_outside(celsius, 0, 60):g} °C is outside 0 to 60 °C; give degrees Celsius, not kelvin"
        )
    kelvin = celsius + ZERO_CELSIUS_K
    return 4470.99 / kelvin + 0.01706 * kelvin - 6.0875


def _first_outside(values: Any, low: float, high: float) -> float:
    return float(values[~((values >= low) & (values <= high))].flat[0])


# Read in the abstract of the paper: kb and Ea of creatine in 1/15 M phosphate buffer.
CREATINE = ExchangeLaw(3.009e9, CREATINE_ACTIVATION_KJ, source="goerke2014", status="read")

# 120 s⁻¹ at pH 7.0 and 37 °C (Haris 2012). No source at hand gives PCr's activation energy, so creatine's is
# taken: both are guanidinium groups.
PHOSPHOCREATINE = ExchangeLaw.through(120.0, 7.0, 37.0, "haris2012")

# The 1.94 ppm proton of PCr exchanges 2.19 times slower than those at 2.65 ppm (Chen 2020, published code).
PCR_SECOND_PEAK_SLOWDOWN = 2.19

# k = 5.57·10^(pH − 6.4) s⁻¹ in rat brain at 37 °C (Zhou 2003, Nat Med 9:1085).
AMIDE = ExchangeLaw.through(5.57, 6.4, 37.0, "zhou2003")

_LAWS = {"creatine": CREATINE, "pcr": PHOSPHOCREATINE, "amide": AMIDE}


def exchange_law(name: str) -> ExchangeLaw:
    """Law of ``creatine``, ``pcr`` (2.6 ppm peak) or ``amide`` protons.

    Raises
    ------
    PhysicsError
        When no law is known for ``name``; the message lists those that exist.
    """
    if name not in _LAWS:
        raise PhysicsError(f"no exchange law is known for {name!r}; there are laws for {', '.join(_LAWS)}")
    return _LAWS[name]
