"""Measured (or simulated) tissue background: what the amine and MT pools do to 1/Z, as a file.

A component is stored as cos²θ·R1obs·Δ(1/Z), the quantity that adds up in the spectral model of the reference paper

    1/Z = 1 + [R2w·sin²θ + amine + MT] / (R1obs·cos²θ),

because it stays finite through water, where 1/Z itself diverges.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.physics import GAMMA, Tissue, z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import TRAINING_FAMILIES, MuscleFamily, draw_muscle

BACKGROUND_POOLS = frozenset({"amine", "hydroxyl", "spurious", "stray downfield"})
WATER_WINDOW_PPM = 1.0
BACKGROUND_POWER_TOLERANCE_UT = 0.01
BACKGROUND_FIELD_TOLERANCE = 0.02
_COS2_FLOOR = 1e-6


@dataclass(frozen=True)
class Backgrounds:
    """Component spectra of one or more tissues, measured from water.

    Parameters
    ----------
    offsets_ppm : ndarray
        (n_offsets,) ascending.
    b1_ut : ndarray
        (n_powers,) µT.
    amine, mt : ndarray
        (n_tissues, n_powers, n_offsets) s⁻¹.
    source : str
        Where they come from in one line, for the model card.
    provenance : dict
        For measured ones: field (``field_t``), scans with checksums, voxels and fit errors; JSON values only.

    Raises
    ------
    ReaderError
        When shapes disagree or values are not finite.
    """

    offsets_ppm: np.ndarray
    b1_ut: np.ndarray
    amine: np.ndarray
    mt: np.ndarray
    source: str
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected = (len(self.b1_ut), len(self.offsets_ppm))
        for name, values in (("amine", self.amine), ("mt", self.mt)):
            if values.ndim != 3 or values.shape[1:] != expected or not np.all(np.isfinite(values)):
                raise ReaderError(
                    f"background component {name} has shape {values.shape}; finite (n_tissues, {expected[0]}, "
                    f"{expected[1]}) is expected for its powers and offsets"
                )

    @property
    def n_tissues(self) -> int:
        """Number of backgrounds."""
        return len(self.mt)


def save_backgrounds(backgrounds: Backgrounds, path: Path) -> None:
    """Write a background file (npz without pickle)."""
    np.savez_compressed(
        path,
        offsets_ppm=backgrounds.offsets_ppm,
        b1_ut=backgrounds.b1_ut,
        amine=backgrounds.amine,
        mt=backgrounds.mt,
        source=np.array(backgrounds.source),
        provenance=np.array(json.dumps(backgrounds.provenance)),
    )


def load_backgrounds(path: Path) -> Backgrounds:
    """Read a background file.

    Raises
    ------
    ReaderError
        When it is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {k: arrays[k] for k in ("offsets_ppm", "b1_ut", "amine", "mt")}
            source = str(arrays["source"])
            provenance = json.loads(str(arrays["provenance"]) if "provenance" in arrays else "{}")
    except (OSError, ValueError, KeyError) as error:
        raise ReaderError(f"{path}: not a background file of this program ({error})") from error
    return Backgrounds(**values, source=source, provenance=provenance)


def require_powers(backgrounds: Backgrounds, protocol: Protocol) -> None:
    """Refuse backgrounds that were not measured at every power and at the field of a protocol.

    Raises
    ------
    ReaderError
        With what was found and what is expected.
    """
    missing = [
        p for p in protocol.powers_ut if np.min(np.abs(backgrounds.b1_ut - p)) > BACKGROUND_POWER_TOLERANCE_UT
    ]
    found = " + ".join(f"{p:g}" for p in backgrounds.b1_ut)
    if missing:
        raise ReaderError(
            f"the background was measured at {found} µT, the protocol also has {missing[0]:g} µT; extract one "
            "from scans with --background-from"
        )
    field_t = backgrounds.provenance.get("field_t", protocol.field_t)
    if abs(field_t / protocol.field_t - 1) > BACKGROUND_FIELD_TOLERANCE:
        raise ReaderError(
            f"the background was measured at {field_t:g} T, the protocol is for {protocol.field_t:g} T; extract one "
            "from scans with --background-from"
        )


def spin_lock_angle(
    offsets_ppm: np.ndarray, b1_ut: np.ndarray, field_t: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return cos²θ and sin²θ of the effective field for each (offset, power); arrays broadcast."""
    dw = offsets_ppm * field_t * GAMMA  # ppm · T · rad s⁻¹ µT⁻¹ = rad s⁻¹
    w1 = GAMMA * b1_ut
    cos2 = np.maximum(dw**2 / (w1**2 + dw**2), _COS2_FLOOR)
    return cos2, 1 - cos2


def _inverse_z(tissue: Tissue, protocol: Protocol, offsets_ppm: np.ndarray, b1_ut: np.ndarray) -> np.ndarray:
    z = z_spectra(tissue, protocol.saturation, offsets_ppm, b1_ut, protocol.field_t)
    return 1 / np.maximum(np.asarray(z), 1e-5)


def _bridged(mt: np.ndarray, offsets_ppm: np.ndarray) -> np.ndarray:
    """MT components with a straight line through water.

    Within 1 ppm the small MT term is the difference of two large ones and depends on the T2 of the very tissue it
    came from; a measured MT component (a broad Lorentzian) is smooth there too.
    """
    near = np.abs(offsets_ppm) < WATER_WINDOW_PPM
    edges = np.nonzero(~near)[0]
    bridged = mt.copy()
    for tissue, power in np.ndindex(mt.shape[:2]):
        bridged[tissue, power, near] = np.interp(
            offsets_ppm[near], offsets_ppm[edges], mt[tissue, power, edges]
        )
    return np.maximum(bridged, 0.0)


def simulate_backgrounds(
    protocol: Protocol,
    n: int,
    rng: np.random.Generator,
    families: tuple[MuscleFamily, ...] = TRAINING_FAMILIES,
) -> Backgrounds:
    """Take components from simulated muscle, so that training needs no outside data.

    Parameters
    ----------
    protocol : Protocol
        Its field, saturation and powers.
    n : int
        Tissues a family.
    rng : Generator
        Source of randomness.
    families : tuple of MuscleFamily
        Which kinds of muscle.
    """
    offsets = np.unique(np.round([protocol.offsets_ppm[i] for i in protocol.saturated_frames], 4))
    powers = np.array(protocol.powers_ut)
    frames = np.tile(offsets, len(powers))
    b1 = np.repeat(powers, len(offsets))
    shape = (n, len(powers), len(offsets))
    cos2, sin2 = spin_lock_angle(frames, b1, protocol.field_t)
    amine, mt = [], []
    for family in families:
        draw = draw_muscle(family, n, rng)

        weight = cos2 * draw.r1_obs[:, None]
        names = [pool.name for pool in draw.tissue.pools]
        with_amine = draw.tissue.without(*(name for name in names if name not in BACKGROUND_POOLS))
        inverse_amine = _inverse_z(with_amine, protocol, frames, b1)
        inverse_mt = _inverse_z(draw.tissue.without(*names), protocol, frames, b1)
        r2w = 1 / np.asarray(draw.tissue.water.t2_s)[:, None]
        weight = cos2 * draw.r1_obs[:, None]
        amine.append((weight * (inverse_amine - inverse_mt)).reshape(shape))
        # What is left of 1/Z after the model's own water term.
        mt.append(_bridged((weight * (inverse_mt - 1) - r2w * sin2).reshape(shape), offsets))
    return Backgrounds(
        offsets_ppm=offsets,
        b1_ut=powers,
        amine=np.concatenate(amine).astype(np.float32),
        mt=np.concatenate(mt).astype(np.float32),
        source=f"simulated muscle, {n} tissues of each of: " + ", ".join(f.name for f in families),
    )
