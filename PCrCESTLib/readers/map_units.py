"""Which unit a map is in, told from its values, and its conversion to the one unit the library uses.

A JSON file beside the map (same stem) with a ``Units`` key, as BIDS asks for, is believed before the values.

R1 and T1
    The median m of the positive voxels decides. From 0.1 to 10 it is s or s⁻¹, from 100 to 10 000 ms, from
    0.0001 to 0.01 ms⁻¹; anything else is refused. Values in ms can only be T1 and values in ms⁻¹ only R1,
    whatever the map was called. Values in s and s⁻¹ cannot be told apart by themselves, since 1/m is as
    possible as m: the role the map was given in counts, unless it makes T1 senseless for muscle (outside
    0.8–2.6 s, which covers 1.5–11.7 T) while the other role makes it sensible; then the map is refused, not
    swapped in silence. Between 0.8 and 1.25 both roles are sensible, and a file name that speaks for the
    other role is noted.
fm (MT pool-size ratio, M0m/M0w)
    A median of 0.005–0.6 is a ratio, 1–60 percent; else refused.
relative B1
    A median of 0.4–1.6 is a ratio, 70–160 percent; else refused (flip angles and µT must be divided by the
    nominal value first).
B0
    The 95th percentile of |values| decides: up to 2 is ppm; above 5 it is Hz (and refused beyond 5 ppm, which
    looks like rad/s); between 2 and 5 it is refused, too far for ppm and too good for Hz.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T

MUSCLE_T1_S = (0.8, 2.6)
UNITS_REMEDY = 'write its unit beside it in a JSON file of the same stem ("Units": "{units}")'

# What people write in "Units" -> factor to s or s⁻¹, and what it measures.
RELAXATION_UNITS = {
    "s": ("t1", 1.0), "sec": ("t1", 1.0), "seconds": ("t1", 1.0),
    "ms": ("t1", 1e-3), "milliseconds": ("t1", 1e-3),
    "1/s": ("r1", 1.0), "s-1": ("r1", 1.0), "s^-1": ("r1", 1.0), "hz": ("r1", 1.0),
    "1/ms": ("r1", 1e3), "ms-1": ("r1", 1e3), "ms^-1": ("r1", 1e3),
}  # fmt: skip
RATIO_UNITS = {"ratio": 1.0, "fraction": 1.0, "1": 1.0, "arbitrary": 1.0, "percent": 0.01, "%": 0.01}
SHIFT_UNITS = {"ppm": "ppm", "hz": "Hz", "rad/s": "rad/s"}


@dataclass(frozen=True)
class Converted:
    """Values in the library's unit (NaN where invalid) and what was done to them."""

    values: np.ndarray
    notes: tuple[str, ...] = ()


def relaxation_rate(name: str, values: np.ndarray, role: str, units: str | None = None) -> Converted:
    """R1 in s⁻¹ from a map of R1 or T1; values at or below 0 become NaN.

    Parameters
    ----------
    name : str
        File name, for messages.
    values : ndarray
        Any shape, any of s, ms, s⁻¹, ms⁻¹.
    role : str
        ``"r1"`` or ``"t1"``, as the user called it.
    units : str, optional
        The map's own ``Units``, believed as they are.

    Raises
    ------
    ReaderError
        When the values make no sense in that role; the sentence says what they look like.
    """
    values = _positive(name, values)
    median = float(np.nanmedian(values))
    if units is not None:
        kind, factor = RELAXATION_UNITS[_known(name, units, RELAXATION_UNITS)]
        extra: tuple[str, ...] = ()
    else:
        kind, factor, extra = _relaxation_kind(name, role, median)
    r1 = values * factor if kind == "r1" else 1.0 / (values * factor)
    shown = f"{name}: median R1 {np.nanmedian(r1):.3g} s⁻¹ (T1 {1 / np.nanmedian(r1):.3g} s)"
    if kind != role or factor != 1.0 or kind == "t1":
        unit = {("t1", 1.0): "s", ("t1", 1e-3): "ms", ("r1", 1.0): "s⁻¹", ("r1", 1e3): "ms⁻¹"}[kind, factor]
        shown += f", converted from {kind.upper()} in {unit}"
    return Converted(r1, (shown, *extra))


def _relaxation_kind(name: str, role: str, median: float) -> tuple[str, float, tuple[str, ...]]:
    if 100 <= median <= 10_000:
        return "t1", 1e-3, _swapped(name, role, "t1")
    if 1e-4 <= median <= 1e-2:
        return "r1", 1e3, _swapped(name, role, "r1")
    if not 0.1 <= median <= 10:
        raise ReaderError(
            f"{name}: the median is {median:.3g}, which is no T1 (s, ms) and no R1 (1/s, 1/ms) of tissue; "
            "check that this is the right map"
        )
    other = "t1" if role == "r1" else "r1"
    t1_s = {"t1": median, "r1": 1 / median}
    if not _is_muscle(t1_s[role]):
        if _is_muscle(t1_s[other]):
            raise ReaderError(
                f"{name}: given as {role.upper()}, its median {median:.3g} means T1 {t1_s[role]:.3g} s, but"
                f" as {other.upper()} T1 {t1_s[other]:.3g} s, as in muscle; give it as --{other}, or if it is"
                f" {role.upper()} " + UNITS_REMEDY.format(units="s" if role == "t1" else "1/s")
            )
        return role, 1.0, (f"{name}: the median T1 of {t1_s[role]:.3g} s is unusual for muscle",)
    if _is_muscle(t1_s[other]) and _speaks_for(name, other):
        return (
            role,
            1.0,
            (f"{name}: taken as {role.upper()} as asked, though its name and values allow {other.upper()}",),
        )
    return role, 1.0, ()


def _is_muscle(t1_s: float) -> bool:
    return MUSCLE_T1_S[0] <= t1_s <= MUSCLE_T1_S[1]


def _speaks_for(name: str, role: str) -> bool:
    found = set(re.findall(r"(?<![a-z0-9])([rt]1)(?![0-9])", name.lower()))
    return found == {role}


def _swapped(name: str, role: str, kind: str) -> tuple[str, ...]:
    if role == kind:
        return ()
    return (
        f"{name}: given as {role.upper()}, but its values can only be {kind.upper()} and were taken as that",
    )


def pool_size_ratio(name: str, values: np.ndarray, units: str | None = None) -> Converted:
    """MT pool-size ratio fm (0–1) from a ratio or percent map; values outside (0, 1] become NaN."""
    values = _positive(name, values)
    converted = _ratio(
        name, values, units, (0.005, 0.6), (1.0, 60.0), "an MT pool-size ratio (about 0.1 in muscle)"
    )
    fm = np.where(converted.values <= 1.0, converted.values, np.nan)
    dropped = int(np.sum(converted.values > 1.0))
    note = (f"{name}: {dropped} voxels above 1 were left out",) if dropped else ()
    return Converted(fm, converted.notes + note)


def relative_b1(name: str, values: np.ndarray, units: str | None = None) -> Converted:
    """Relative B1 (1 = nominal) from a ratio or percent map; values at or below 0 become NaN."""
    values = _positive(name, values)
    return _ratio(
        name,
        values,
        units,
        (0.4, 1.6),
        (70.0, 160.0),
        "a relative B1 (convert degrees by 'pcrcest companion b1 --nominal DEG', divide µT by the nominal value)",
    )


def _ratio(
    name: str,
    values: np.ndarray,
    units: str | None,
    ratio: tuple[float, float],
    percent: tuple[float, float],
    what: str,
) -> Converted:
    median = float(np.nanmedian(values))
    if units is not None:
        factor = RATIO_UNITS[_known(name, units, RATIO_UNITS)]
    elif ratio[0] <= median <= ratio[1]:
        factor = 1.0
    elif percent[0] <= median <= percent[1]:
        factor = 0.01
    else:
        raise ReaderError(
            f"{name}: the median is {median:.3g}; {what} is expected, as a ratio ({ratio[0]:g} to"
            f" {ratio[1]:g}) or in percent ({percent[0]:g} to {percent[1]:g})"
        )
    note = (f"{name}: taken as percent (median {median:.3g}) and divided by 100",) if factor != 1 else ()
    return Converted(values * factor, note)


def b0_shift_ppm(name: str, values: np.ndarray, field_t: float | None, units: str | None = None) -> Converted:
    """B0 shift in ppm from a map in ppm or Hz (then ``field_t``, T, is needed); zero is a valid shift."""
    values = np.where(np.isfinite(values), values, np.nan)
    if not np.any(np.isfinite(values)):
        raise ReaderError(f"{name}: the B0 map has no finite value; check that this is the right map")
    spread = float(np.nanpercentile(np.abs(values), 95))
    unit = _shift_unit(name, spread, units)
    if unit == "ppm":
        return Converted(values)
    if field_t is None:
        raise ReaderError(f"{name}: the B0 map is in Hz, and the field is not known; convert it to ppm")
    hz_per_ppm = GAMMA_MHZ_PER_T * field_t * (2 * np.pi if unit == "rad/s" else 1.0)
    if spread > 5 * hz_per_ppm:
        raise ReaderError(
            f"{name}: the B0 map reaches {spread:.4g} (95th percentile), more than 5 ppm at {field_t:g} T"
            " even in Hz; give it in ppm or Hz, and mask voxels without signal"
        )
    note = (
        f"{name}: taken as {unit} (95 % of voxels within {spread:.3g}) and converted to ppm at {field_t:g} T"
    )
    return Converted(values / hz_per_ppm, (note,))


def _shift_unit(name: str, spread: float, units: str | None) -> str:
    if units is not None:
        return SHIFT_UNITS[_known(name, units, SHIFT_UNITS)]
    if spread <= 2:
        return "ppm"
    if spread > 5:
        return "Hz"
    raise ReaderError(
        f"{name}: the B0 map reaches {spread:.3g} (95th percentile), too far for ppm and too good for Hz; "
        + UNITS_REMEDY.format(units="ppm")
    )


def _positive(name: str, values: np.ndarray) -> np.ndarray:
    kept = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    if not np.any(np.isfinite(kept)):
        raise ReaderError(f"{name}: the map has no value above zero; check that this is the right map")
    return kept


def _known(name: str, units: str, table: Mapping[str, object]) -> str:
    key = units.strip().lower().replace("⁻¹", "-1").replace(" ", "")
    if key not in table:
        raise ReaderError(f"{name}: Units is {units!r}; one of {', '.join(table)} is expected")
    return key
