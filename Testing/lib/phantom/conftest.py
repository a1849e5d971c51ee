"""Digital legs small enough to simulate in a second."""

from __future__ import annotations

import pytest

from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.synthesis.phantom import Phantom, PhantomSettings, simulate_leg

OFFSETS_PPM = (5.0, 3.5, 2.6, 2.0, 1.0, 0.0, -1.0, -3.4)


@pytest.fixture(scope="session")
def two_powers() -> Protocol:
    """Eight offsets at 0.5 and 1 µT, without reference frames."""
    n = len(OFFSETS_PPM)
    return Protocol(4.7, OFFSETS_PPM * 2, (0.5,) * n + (1.0,) * n, Saturation(5.0), normalized=True)


@pytest.fixture(scope="session")
def clean(two_powers) -> Phantom:
    """Small legs without noise and without fat in the muscle."""
    return simulate_leg(two_powers, seed=3, noise_sd=0.0, size=32, settings=PhantomSettings(muscle_fat=0.0))
