"""What is known before the scan: one spread for every number of tissue and scanner that may vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.tissue import Tissue

FS, KSW = "pcr.fraction", "pcr.k_per_s"
SCANNER_PATHS = ("b0_shift_ppm", "relative_b1")


@dataclass(frozen=True)
class Prior:
    """Spread of one free parameter.

    Parameters
    ----------
    path : str
        ``water.t1_s``, ``semisolid.fraction``, ``<pool name>.k_per_s`` and so on, or one of ``b0_shift_ppm``
        and ``relative_b1``.
    sd : float
        Standard deviation: a fraction of the value when ``relative``, else in the parameter's unit.
    relative : bool
        Whether ``sd`` (and every derived SD) is relative.
    tied : tuple of str
        Further paths that change by the same factor: both peaks of one metabolite, for instance.

    Raises
    ------
    PhysicsError
        When ``sd`` is not positive. What is known exactly has no prior.
    """

    path: str
    sd: float
    relative: bool = True
    tied: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.sd > 0:
            raise PhysicsError(f"the prior SD of {self.path} is {self.sd:g}; leave out what is known exactly")


# The spread of the reference paper's grids (PMID 41964083): fs 29 %, ksw 33 %. R1 is known to 3 % from the
# R1obs map that the protocol includes.
REFERENCE_PRIOR: tuple[Prior, ...] = (
    Prior(FS, 0.29, tied=("pcr_second.fraction",)),
    Prior(KSW, 0.33, tied=("pcr_second.k_per_s",)),
    Prior("pcr.t2_s", 0.165, tied=("pcr_second.t2_s",)),
    Prior("creatine.fraction", 0.165),
    Prior("creatine.k_per_s", 0.33),
    Prior("creatine.t2_s", 0.165),
    Prior("amide.fraction", 0.165),
    Prior("amine.fraction", 0.165),
    Prior("amine.k_per_s", 0.33),
    Prior("semisolid.fraction", 0.41),
    Prior("water.t1_s", 0.03),
    Prior("water.t2_s", 0.45),
    Prior("b0_shift_ppm", 0.3, relative=False),
    Prior("relative_b1", 0.14),
)

# Pools of real muscle that the reference paper does not simulate; 50 % of each is an assumption.
EXTRA_POOLS = ("guanidinium", "glycogen_oh", "noe_m2p7", "noe_m1p6", "noe_glycogen")
EXTRA_POOL_PRIOR: tuple[Prior, ...] = tuple(Prior(f"{name}.fraction", 0.5) for name in EXTRA_POOLS)


def default_prior(tissue: Tissue) -> tuple[Prior, ...]:
    """Return the priors above for those pools that ``tissue`` has."""
    parts = {"water", *(pool.name for pool in tissue.pools)} | ({"semisolid"} if tissue.semisolid else set())

    def applies(path: str) -> bool:
        return path in SCANNER_PATHS or path.split(".")[0] in parts

    return tuple(
        replace(prior, tied=tuple(path for path in prior.tied if applies(path)))
        for prior in REFERENCE_PRIOR + EXTRA_POOL_PRIOR
        if applies(prior.path)
    )


def get_value(tissue: Tissue, path: str) -> Any:
    """Return the number at ``path`` of ``tissue``.

    Raises
    ------
    PhysicsError
        When the tissue has no such pool or quantity.
    """
    part, _, field = path.partition(".")
    whole = {"water": tissue.water, "semisolid": tissue.semisolid}
    owner = whole[part] if part in whole else tissue.pool(part)
    if owner is None or not hasattr(owner, field):
        raise PhysicsError(f"a prior names {path!r}, which this tissue does not have")
    return getattr(owner, field)


def with_values(tissue: Tissue, values: Mapping[str, Any]) -> Tissue:
    """Return ``tissue`` with the numbers at the given paths replaced."""
    for path, value in values.items():
        get_value(tissue, path)
        part, _, field = path.partition(".")
        if part == "water":
            tissue = replace(tissue, water=replace(tissue.water, **{field: value}))
        elif part == "semisolid":
            tissue = replace(tissue, semisolid=replace(tissue.semisolid, **{field: value}))  # type: ignore[type-var]
        else:
            tissue = tissue.with_pool(replace(tissue.pool(part), **{field: value}))
    return tissue


def prior_sds(prior: Iterable[Prior]) -> np.ndarray:
    """Return the SD of every parameter, (n_parameters,)."""
    return np.array([p.sd for p in prior])
