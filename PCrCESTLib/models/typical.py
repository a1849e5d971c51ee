"""Z of the muscle that most scans show, to tell what a difference between two protocols does to it."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.physics import z_spectra
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

FS, KSW_PER_S = 1.0e-3, 110.0
T1_S_AT_4P7T, FIELD_EXPONENT = 1.62, 0.4203  # T1 grows with the field: Bottomley 1984, Med Phys 11:425
T2_S = 0.03
FM = 0.10


def typical_t1(field_t: float) -> float:
    """T1 of muscle water, s, at B0 of ``field_t`` T."""
    return T1_S_AT_4P7T * (field_t / 4.7) ** FIELD_EXPONENT


def typical_z(
    field_t: float, saturation: Saturation, offsets_ppm: np.ndarray, b1_ut: float, b0_shift_ppm: np.ndarray
) -> np.ndarray:
    """Simulate muscle with PCr in the middle of its range at one power, by the exact engine.

    Parameters
    ----------
    field_t : float
        B0, T.
    saturation : Saturation
        Duration and kind.
    offsets_ppm : ndarray
        (n_offsets,) on the scanner's axis.
    b1_ut : float
        Saturation amplitude, µT.
    b0_shift_ppm : ndarray
        (n_shifts,) where water lies.

    Returns
    -------
    ndarray
        (n_shifts, n_offsets).
    """
    values = (np.full(len(b0_shift_ppm), v) for v in (FS, KSW_PER_S, typical_t1(field_t), T2_S, FM))
    tissue = muscle_tissue(*values)
    return np.asarray(z_spectra(tissue, saturation, offsets_ppm, b1_ut, field_t, b0_shift_ppm=b0_shift_ppm))
