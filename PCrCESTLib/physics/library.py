"""Ready-made pools, tissues and phantoms; every number comes with its source from ``library_data.json``.

``provenance()`` of ``PCrCESTLib.physics.sourced`` lists the numbers, their origin and what is an assumption;
docs/physics.md shows the same table.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.concentration import fraction_from_concentration
from PCrCESTLib.physics.rates import PCR_SECOND_PEAK_SLOWDOWN, exchange_law
from PCrCESTLib.physics.sourced import library_data, sourced
from PCrCESTLib.physics.tissue import Pool, SemisolidPool, Tissue, Water

MUSCLE_POOLS = (
    "pcr",
    "pcr_second",
    "creatine",
    "amide",
    "guanidinium",
    "amine",
    "glycogen_oh",
    "noe_m3p3",
    "noe_m2p7",
    "noe_m1p6",
    "noe_glycogen",
)
HUMAN_UP_TO_T = 3.5  # a scanner up to this field is taken for a clinical one
REFERENCE_POOLS = ("pcr", "creatine", "amide", "amine", "noe_m3p3")


def metabolite_names() -> tuple[str, ...]:
    """Names that ``metabolite`` understands."""
    return tuple(library_data()["pools"])


def metabolite(
    name: str,
    *,
    fraction: Any = None,
    k_per_s: Any = None,
    ph: float | None = None,
    temperature_c: float | None = None,
) -> Pool:
    """Return one pool with the library's in vivo values.

    Parameters
    ----------
    name : str
        One of ``metabolite_names()``.
    fraction, k_per_s : float or (n_tissues,) array, optional
        Proton fraction (dimensionless) and exchange rate solute → water (s⁻¹) instead of the library's.
    ph, temperature_c : float, optional
        Both or neither: take the exchange rate from the law of ``PCrCESTLib.physics.rates`` at this pH and
        temperature (°C), which holds in solution.

    Raises
    ------
    PhysicsError
        For an unknown name, a rate given twice, pH without temperature, or a pool without an exchange law.
    """
    shift = sourced("pools", name, "shift_ppm").value
    if (ph is None) != (temperature_c is None):
        raise PhysicsError("an exchange rate needs both ph and temperature_c; give the missing one")
    if ph is not None and temperature_c is not None:
        if k_per_s is not None:
            raise PhysicsError("k_per_s was given beside ph and temperature_c; give one or the other")
        k_per_s = solution_rate_per_s(name, ph, temperature_c)
    return Pool(
        name=name,
        shift_ppm=shift,
        fraction=_pool_value(name, "fraction") if fraction is None else fraction,
        k_per_s=_pool_value(name, "k_per_s") if k_per_s is None else k_per_s,
        t1_s=_pool_value(name, "t1_s"),
        t2_s=_pool_value(name, "t2_s"),
    )


def solution_rate_per_s(name: str, ph: float, temperature_c: float) -> float:
    """Exchange rate solute → water (s⁻¹) in solution at ``ph`` and ``temperature_c`` (°C).

    Raises
    ------
    PhysicsError
        When no law is known for the pool.
    """
    if name == "pcr_second":
        return float(exchange_law("pcr").rate_per_s(ph, temperature_c)) / PCR_SECOND_PEAK_SLOWDOWN
    return float(exchange_law(name).rate_per_s(ph, temperature_c))


def semisolid(line_shape: str = "super-lorentzian") -> SemisolidPool:
    """Return the magnetization-transfer pool of muscle; its T2 depends on the ``line_shape`` it goes with.

    Raises
    ------
    PhysicsError
        When the library has no values for that line shape.
    """
    keys = ("fraction", "k_per_s", "t1_s", "t2_s", "shift_ppm")
    values = {key: sourced("semisolid", line_shape, key).value for key in keys}
    return SemisolidPool(line_shape=line_shape, **values)


def muscle_water(species: str, field_t: float, semisolid_pool: SemisolidPool | None = None) -> Water:
    """Return the water of skeletal muscle of ``species`` (rat, human) at 3, 4.7, 7, 9.4 or 11.7 T.

    The library holds the T1 that an imaging experiment observes. The water's own rate follows from
    R1obs = (R1w + fm·R1m)/(1 + fm) with the pool of ``semisolid_pool`` (reference paper, PMID 41964083).

    Raises
    ------
    PhysicsError
        When the library has no values for that species or field.
    """
    place = ("water", species, _field_key(species, field_t))
    r1 = 1.0 / sourced(*place, "t1_obs_s").value
    if semisolid_pool is not None:
        fm = semisolid_pool.fraction
        r1 = r1 * (1 + fm) - fm / semisolid_pool.t1_s
    return Water(t1_s=1.0 / r1, t2_s=sourced(*place, "t2_s").value)


def rat_muscle(field_t: float = 4.7, line_shape: str = "super-lorentzian") -> Tissue:
    """Return resting rat leg muscle with every pool of ``MUSCLE_POOLS``.

    Raises
    ------
    PhysicsError
        When the library has no values at ``field_t`` (3, 4.7, 7, 9.4, 11.7 T) or for ``line_shape``.
    """
    solid = semisolid(line_shape)
    return Tissue(
        water=muscle_water("rat", field_t, solid),
        pools=tuple(metabolite(name) for name in MUSCLE_POOLS),
        semisolid=solid,
    )


def human_muscle(field_t: float = 3.0, line_shape: str = "super-lorentzian") -> Tissue:
    """Return resting human calf muscle: as ``rat_muscle``, with human relaxation and PCr content.

    Raises
    ------
    PhysicsError
        When the library has no values at ``field_t`` (3, 4.7, 7, 9.4, 11.7 T) or for ``line_shape``.
    """
    solid = semisolid(line_shape)
    own = library_data()["human_pools"]
    pools = [
        metabolite(name, fraction=sourced("human_pools", name, "fraction").value if name in own else None)
        for name in MUSCLE_POOLS
    ]
    return Tissue(water=muscle_water("human", field_t, solid), pools=tuple(pools), semisolid=solid)


def usual_muscle(field_t: float) -> Tissue:
    """Return the muscle that a scanner of this field usually sees, with the values of the nearest tabulated field."""
    species, make = ("human", human_muscle) if field_t <= HUMAN_UP_TO_T else ("rat", rat_muscle)
    tabulated = [float(key) for key in library_data()["water"][species]]
    return make(min(tabulated, key=lambda t: abs(t - field_t)))


def reference_muscle(pcr_fraction: Any = 1e-3, pcr_k_per_s: Any = 105.0) -> Tissue:
    """Return the muscle of the reference paper's fully synthetic set, at the middle of its grids.

    Five pools and a Lorentzian semisolid pool, T1 1.4 s, T2 40 ms (PMID 41964083). ``pcr_fraction`` and
    ``pcr_k_per_s`` (s⁻¹) are scalars or (n_tissues,).
    """
    pools = [metabolite(name) for name in REFERENCE_POOLS]
    pools[0] = replace(pools[0], fraction=pcr_fraction, k_per_s=pcr_k_per_s)
    return Tissue(
        water=Water(t1_s=1.4, t2_s=0.040),
        pools=tuple(pools),
        semisolid=semisolid("lorentzian"),
    )


def pcr_phantom(concentration_mm: Any, ph: float = 7.0, temperature_c: float = 37.0) -> Tissue:
    """Return a phosphocreatine solution of ``concentration_mm`` mmol/l with both of its peaks."""
    return _phantom(("pcr", "pcr_second"), concentration_mm, ph, temperature_c)


def creatine_phantom(concentration_mm: Any, ph: float = 7.0, temperature_c: float = 37.0) -> Tissue:
    """Return a creatine solution of ``concentration_mm`` mmol/l."""
    return _phantom(("creatine",), concentration_mm, ph, temperature_c)


def _phantom(names: tuple[str, ...], concentration_mm: Any, ph: float, temperature_c: float) -> Tissue:
    t2_s = sourced("phantom", "solute_t2_s").value
    pools = []
    for name in names:
        fraction = fraction_from_concentration(concentration_mm, sourced("protons_per_molecule", name).value)
        pool = metabolite(name, fraction=fraction, ph=ph, temperature_c=temperature_c)
        pools.append(replace(pool, t2_s=t2_s))
    water = Water(t1_s=sourced("phantom", "t1_s").value, t2_s=sourced("phantom", "t2_s").value)
    return Tissue(water=water, pools=tuple(pools), semisolid=None)


def _field_key(species: str, field_t: float) -> str:
    """Key of the tabulated field within 5 % of ``field_t``: scanners sold as 3 T run at 2.89 T."""
    fields = library_data()["water"].get(species, {})
    near = [key for key in fields if abs(float(key) - field_t) <= 0.05 * field_t]
    return near[0] if near else f"{field_t:g}"


def _pool_value(name: str, quantity: str) -> float:
    return sourced("pools", name, quantity).value
