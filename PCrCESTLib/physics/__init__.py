"""Spin physics: an exact, batched Bloch-McConnell engine for NumPy and torch."""

from PCrCESTLib.physics.constants import GAMMA
from PCrCESTLib.physics.spectra import z_spectra
from PCrCESTLib.physics.tissue import Pool, SemisolidPool, Tissue, Water

__all__ = ["GAMMA", "Pool", "SemisolidPool", "Tissue", "Water", "z_spectra"]
