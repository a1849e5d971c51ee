"""Spectra as a sum of Lorentzian lines: the model, and its bounded least-squares fit to one spectrum.

Two readings of the sum S(Δ) = Σ A_i / [1 + ((Δ − c_i)/(w_i/2))²] are in use, and a *link* chooses between them:

- ``dip``: Z = 1 − S, the usual multi-pool Lorentzian fit (Zaiss 2011, J Magn Reson 211:149);
- ``rates``: Z = 1/(1 + S/u), where S adds up relaxation rates in the rotating frame (Zaiss 2013, NMR Biomed 26:507).
  With u = R1obs·cos²θ even water, R2w·sin²θ, is a Lorentzian line of half width γB1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from PCrCESTLib.errors import PCrCESTError

Link = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From S (n_offsets,) to the spectrum Z and to dZ/dS."""
MAX_EVALUATIONS = 400


@dataclass(frozen=True)
class Bounded:
    """One parameter: starting value, limits, and the SD with which ``start`` is known beforehand.

    Equal limits hold it fixed. A finite ``sd`` keeps lines that the spectrum cannot tell apart near their usual values.
    """

    start: float
    low: float
    high: float
    sd: float = float("inf")


def fixed(value: float) -> Bounded:
    """Return a parameter that is not fitted."""
    return Bounded(value, value, value)


@dataclass(frozen=True)
class Line:
    """One Lorentzian line to be fitted.

    Parameters
    ----------
    name : str
        The pool it stands for.
    amplitude : Bounded
        Height at the center, in the unit of S.
    center_ppm, fwhm_ppm : Bounded
        Position from water and full width at half maximum, ppm.
    """

    name: str
    amplitude: Bounded
    center_ppm: Bounded
    fwhm_ppm: Bounded


@dataclass(frozen=True)
class LineFit:
    """Fitted lines.

    ``amplitude`` (unit of S), ``center_ppm`` and ``fwhm_ppm`` are (n_lines,) in the order of ``names``; ``residual``
    is measured minus fitted Z, (n_offsets,).
    """

    names: tuple[str, ...]
    amplitude: np.ndarray
    center_ppm: np.ndarray
    fwhm_ppm: np.ndarray
    residual: np.ndarray

    def curve(self, offsets_ppm: np.ndarray, *names: str) -> np.ndarray:
        """Sum S of the named lines (all of them without a name), (n_offsets,)."""
        chosen = [i for i, name in enumerate(self.names) if not names or name in names]
        lines = unit_lines(offsets_ppm, self.center_ppm[chosen], self.fwhm_ppm[chosen])
        return np.asarray(self.amplitude[chosen] @ lines)


def unit_lines(offsets_ppm: np.ndarray, center_ppm: np.ndarray, fwhm_ppm: np.ndarray) -> np.ndarray:
    """Lorentzian lines of height 1, (n_lines, n_offsets), for centers and widths (n_lines,)."""
    u = 2 * (offsets_ppm[None, :] - center_ppm[:, None]) / fwhm_ppm[:, None]
    return np.asarray(1 / (1 + u**2))


def dip(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Z = 1 − S."""
    return 1 - total, np.full(total.shape, -1.0)


def rates(unit: np.ndarray) -> Link:
    """Z = 1/(1 + S/u) with ``unit`` u = R1obs·cos²θ (n_offsets,), s⁻¹."""

    def link(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = unit / (unit + total)
        return z, -z * z / unit

    return link


def fit_lines(
    offsets_ppm: np.ndarray, z: np.ndarray, sigma: np.ndarray, lines: Sequence[Line], link: Link = dip
) -> LineFit:
    """Fit a sum of lines to one spectrum by bounded least squares with exact derivatives.

    Parameters
    ----------
    offsets_ppm, z, sigma : ndarray
        (n_offsets,) offsets, spectrum, and the SD of each of its points, which weighs it against the others and
        against what is known beforehand.
    lines : sequence of Line
        What to fit.
    link : callable
        ``dip`` or ``rates(u)``.

    Raises
    ------
    PCrCESTError
        When there are not more points than free parameters.
    """
    by_line = [(line.amplitude, line.center_ppm, line.fwhm_ppm) for line in lines]
    table = np.array([[(b.start, b.low, b.high, b.sd) for b in three] for three in by_line])
    start, low, high, sd = (table[..., k].T.ravel() for k in range(4))  # amplitudes, centers, widths
    free = high > low
    if len(offsets_ppm) <= np.sum(free):
        raise PCrCESTError(
            f"{len(offsets_ppm)} offsets cannot determine {int(np.sum(free))} parameters of {len(lines)} lines; "
            "more offsets are needed"
        )
    full = start.copy()

    def complete(x: np.ndarray) -> np.ndarray:
        full[free] = x
        return full.reshape(3, -1)

    def misfit(x: np.ndarray) -> np.ndarray:
        amplitude, center, fwhm = complete(x)
        spectrum = (link(amplitude @ unit_lines(offsets_ppm, center, fwhm))[0] - z) / sigma
        return np.concatenate([spectrum, (x - start[free]) / sd[free]])

    def slope(x: np.ndarray) -> np.ndarray:
        amplitude, center, fwhm = complete(x)
        shape, by_center, by_fwhm = _derivatives(offsets_ppm, center, fwhm)
        gain = link(amplitude @ shape)[1] / sigma
        by_parameter = np.concatenate([shape, amplitude[:, None] * by_center, amplitude[:, None] * by_fwhm])
        return np.concatenate([(by_parameter[free] * gain).T, np.diag(1 / sd[free])])

    span = (high - low)[free]
    inside = np.clip(start[free], low[free] + 1e-6 * span, high[free] - 1e-6 * span)
    found = least_squares(
        misfit, inside, slope, bounds=(low[free], high[free]), x_scale=span, max_nfev=MAX_EVALUATIONS
    )
    amplitude, center, fwhm = complete(found.x).copy()
    names = tuple(line.name for line in lines)
    residual = -misfit(found.x)[: len(z)] * sigma
    return LineFit(names, amplitude, center, fwhm, residual)


def _derivatives(
    offsets_ppm: np.ndarray, center_ppm: np.ndarray, fwhm_ppm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lines of height 1 and their derivatives by center and by width, each (n_lines, n_offsets)."""
    u = 2 * (offsets_ppm[None, :] - center_ppm[:, None]) / fwhm_ppm[:, None]
    shape = 1 / (1 + u**2)
    by_u = -2 * u * shape**2
    return shape, by_u * (-2 / fwhm_ppm[:, None]), by_u * (-u / fwhm_ppm[:, None])
