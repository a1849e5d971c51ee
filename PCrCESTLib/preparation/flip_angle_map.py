"""Relative B1 from a map of the flip angle that was reached."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.errors import ReaderError

SENSIBLE_MEDIAN = (0.4, 1.6)


def relative_b1_of_angles(
    name: str, angles_deg: np.ndarray, nominal_deg: float
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Relative B1 (1 = nominal) and a sentence on what was done; values at or below 0 become NaN.

    A map in tenths of a degree, as some scanners store it, is told by its median, which is ten times too high.

    Parameters
    ----------
    name : str
        File name, for messages.
    angles_deg : ndarray
        Flip angles that were reached, degrees or tenths of a degree, any shape.
    nominal_deg : float
        Flip angle that was asked for, degrees.

    Raises
    ------
    ReaderError
        When the angles have nothing to do with the nominal one.
    """
    angles = np.where(np.isfinite(angles_deg) & (angles_deg > 0), angles_deg, np.nan).astype(float)
    if not np.any(np.isfinite(angles)):
        raise ReaderError(f"{name}: the map has no value above zero; check that this is the right map")
    median = float(np.nanmedian(angles))
    for factor, unit in ((1.0, "degrees"), (0.1, "tenths of a degree")):
        if SENSIBLE_MEDIAN[0] <= median * factor / nominal_deg <= SENSIBLE_MEDIAN[1]:
            note = (
                f"{name}: taken as {unit} (median {median:.4g}) and divided by the nominal {nominal_deg:g}°"
            )
            return angles * factor / nominal_deg, (note,)
    raise ReaderError(
        f"{name}: the median is {median:.4g}, and the nominal flip angle {nominal_deg:g}°; a map in degrees or tenths "
        "of a degree within 40 to 160 % of it is expected: check the map and its FlipAngle"
    )
