"""What a user states for a fit."""

from __future__ import annotations

from dataclasses import dataclass

from PCrCESTLib.errors import MethodError
from PCrCESTLib.fitting.peak import STATED_KSW_PER_S, STATED_KSW_SD_PER_S
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.physics.concentration import PCR_PROTONS

REX, JHU = "rex", "jhu"
CONVERSIONS = (REX, JHU)


@dataclass(frozen=True)
class Settings:
    """Settings of the fits; each method takes what concerns it.

    Parameters
    ----------
    pools : int
        Pools of the multi-pool Lorentzian fit, 5, 6 or 7.
    ksw_per_s, ksw_sd_per_s : float
        Exchange rate at which a peak becomes fs, and how well it is known, s⁻¹.
    conversion : str
        ``rex``: by the Rex formula; ``jhu``: by the Johns Hopkins calibration at 3 T.
    pcr_protons : float
        Exchangeable protons of a PCr molecule, where a calibration is in mM.

    Raises
    ------
    MethodError
        When a value makes no sense.
    """

    pools: int = 6
    ksw_per_s: float = STATED_KSW_PER_S
    ksw_sd_per_s: float = STATED_KSW_SD_PER_S
    conversion: str = REX
    pcr_protons: float = PCR_PROTONS

    def __post_init__(self) -> None:
        if self.pools not in POOL_SETS:
            raise MethodError(
                f"{self.pools} pools cannot be fitted; give one of {', '.join(map(str, POOL_SETS))}"
            )
        if not self.ksw_per_s > 0 or not self.ksw_sd_per_s >= 0:
            raise MethodError(
                f"the stated exchange rate is {self.ksw_per_s:g} ± {self.ksw_sd_per_s:g} s⁻¹; a positive rate and an "
                "SD of 0 or more are expected"
            )
        if self.conversion not in CONVERSIONS:
            raise MethodError(
                f"conversion {self.conversion!r} is unknown; give one of {', '.join(CONVERSIONS)}"
            )
