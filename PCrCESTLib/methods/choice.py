"""Which methods there are, what each needs of a scan, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from PCrCESTLib.errors import MethodError
from PCrCESTLib.fitting.peak import JHU_B1_UT, JHU_DURATION_S, JHU_FIELD_T
from PCrCESTLib.fitting.plof import polynomial_and_lines, window_of
from PCrCESTLib.fitting.pools import pools_for
from PCrCESTLib.fitting.references import (
    FLANKS_PPM,
    LD_FAR_PPM,
    LD_NEAR_PPM,
    asymmetry,
    double_power,
    in_flanks,
    local_line,
    lorentzian_difference,
    multi_pool,
)
from PCrCESTLib.methods.bloch_method import bloch_method
from PCrCESTLib.methods.chunked_fit import offsets_at
from PCrCESTLib.methods.method import Method
from PCrCESTLib.methods.peak_method import PeakMethod
from PCrCESTLib.methods.settings import JHU, Settings
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.protocol import Protocol

NETWORK = "two-branch"
PEAK_REACH_PPM = 0.3
NEEDED_FOR_PEAK = (
    f"two or more offsets within {PEAK_REACH_PPM:g} ppm of PCr at {PCR_PPM:g} ppm, at every power it uses"
)
Maker = Callable[[Protocol, Settings], Method]


class Known(NamedTuple):
    """A method for lists: its title, and how it is made (None for the network, which needs a model)."""

    title: str
    make: Maker | None


def make_fit(key: str, protocol: Protocol, settings: Settings | None = None) -> Method:
    """Make a fit ready for a scan.

    Parameters
    ----------
    key : str
        One of `METHODS` but the network.
    protocol : Protocol
        What was acquired.
    settings : Settings, optional
        What the user states.

    Raises
    ------
    MethodError
        When the scan lacks what the method needs; the sentence says what.
    """
    known = METHODS.get(key)
    if known is None or known.make is None:
        fits = ", ".join(k for k, m in METHODS.items() if m.make is not None)
        raise MethodError(f"method {key!r} is no fit; give one of {fits}")
    settings = settings or Settings()
    if settings.conversion == JHU:
        _require_jhu(protocol)
    return known.make(protocol, settings)


def _asymmetry(protocol: Protocol, settings: Settings) -> Method:
    offsets = offsets_at(protocol, 0)
    _require(offsets.min() <= -PCR_PPM <= PCR_PPM <= offsets.max(), "MTR asymmetry", offsets,
             f"offsets from {-PCR_PPM:g} to {PCR_PPM:g} ppm")  # fmt: skip
    return PeakMethod(protocol, "MTR asymmetry", settings, lambda s: asymmetry(*s[0]))


def _lorentzian_difference(protocol: Protocol, settings: Settings) -> Method:
    offsets = offsets_at(protocol, 0)
    quiet = (np.abs(offsets) <= LD_NEAR_PPM) | (np.abs(offsets) >= LD_FAR_PPM)
    _require(quiet.sum() > 6 and (np.abs(offsets) >= LD_FAR_PPM).any(), "the Lorentzian difference", offsets,
             f"seven or more offsets within {LD_NEAR_PPM:g} ppm of water and beyond {LD_FAR_PPM:g} ppm")  # fmt: skip
    return PeakMethod(protocol, "Lorentzian difference", settings, lambda s: lorentzian_difference(*s[0]))


def _multi_pool(protocol: Protocol, settings: Settings) -> Method:
    offsets = offsets_at(protocol, 0)
    pools = pools_for(settings.pools, offsets)
    _require(
        len(offsets) > 3 * len(pools),
        f"a fit of {len(pools)} pools",
        offsets,
        f"{3 * len(pools) + 1} offsets",
    )
    _require(_samples_peak(offsets), f"a fit of {len(pools)} pools", offsets, NEEDED_FOR_PEAK)
    name = f"{len(pools)}-pool Lorentzian fit"
    return PeakMethod(protocol, name, settings, lambda s: multi_pool(*s[0], pools))


def _plof(protocol: Protocol, settings: Settings) -> Method:
    window_of(offsets_at(protocol, 0))
    b1, field_t = protocol.powers_ut[0], protocol.field_t
    return PeakMethod(protocol, "PLOF", settings, lambda s: polynomial_and_lines(*s[0], b1, field_t))


def _local(protocol: Protocol, settings: Settings) -> Method:
    offsets = offsets_at(protocol, 0)
    chosen = in_flanks(offsets)
    sides = [np.any(chosen & ((offsets > PCR_PPM) == upper)) for upper in (False, True)]
    (a, b), (c, d) = FLANKS_PPM
    _require(
        all(sides), "AREX over a local line", offsets, f"offsets in {a:g} to {b:g} and in {c:g} to {d:g} ppm"
    )
    _require(_samples_peak(offsets), "AREX over a local line", offsets, NEEDED_FOR_PEAK)
    return PeakMethod(protocol, "AREX over a local line", settings, lambda s: local_line(*s[0]), local=True)


def _double_power(protocol: Protocol, settings: Settings) -> Method:
    powers = protocol.powers_ut
    if len(powers) < 2:
        raise MethodError(
            f"double saturation power needs scans at two powers; there is one, {powers[0]:g} µT: give a second series"
        )
    for offsets in (offsets_at(protocol, 0), offsets_at(protocol, 1)):
        _require(_samples_peak(offsets), "double saturation power", offsets, NEEDED_FOR_PEAK)
    return PeakMethod(
        protocol,
        "double saturation power",
        settings,
        lambda s: double_power(s[0], s[1], powers[0], powers[1]),
    )


METHODS: dict[str, Known] = {
    NETWORK: Known("two-branch network", None),
    "mtrasym": Known("MTR asymmetry", _asymmetry),
    "ld": Known("Lorentzian difference (LD)", _lorentzian_difference),
    "mplf": Known("multi-pool Lorentzian fit (MPLF)", _multi_pool),
    "plof": Known("polynomial and Lorentzian lines (PLOF)", _plof),
    "arex": Known("AREX over a local line", _local),
    "dsp": Known("double saturation power (DSP)", _double_power),
    "bm": Known("Bloch–McConnell fit (slow)", bloch_method),
}


def _samples_peak(offsets_ppm: np.ndarray) -> bool:
    near = np.sum(np.abs(offsets_ppm - PCR_PPM) <= PEAK_REACH_PPM) >= 2
    return bool(near and offsets_ppm.min() < PCR_PPM < offsets_ppm.max())


def _require(fulfilled: bool, method: str, offsets_ppm: np.ndarray, needed: str) -> None:
    if not fulfilled:
        raise MethodError(
            f"{method} needs {needed}; the scan has {len(offsets_ppm)} offsets from {offsets_ppm.min():g} to "
            f"{offsets_ppm.max():g} ppm; choose another method"
        )


def _require_jhu(protocol: Protocol) -> None:
    field_t, b1, seconds = protocol.field_t, protocol.powers_ut[0], protocol.saturation.duration_s
    if not (
        abs(field_t / JHU_FIELD_T - 1) < 0.05
        and abs(b1 / JHU_B1_UT - 1) < 0.1
        and abs(seconds / JHU_DURATION_S - 1) < 0.1
    ):
        raise MethodError(
            f"the JHU calibration holds at {JHU_FIELD_T:g} T, {JHU_B1_UT:g} µT for {JHU_DURATION_S:g} s; the scan has "
            f"{field_t:g} T, {b1:g} µT for {seconds:g} s; take the conversion rex"
        )
