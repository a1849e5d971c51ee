"""Constants of nature that the physics needs."""

GAMMA = 267.5154
"""Gyromagnetic ratio of the proton in water, rad s⁻¹ µT⁻¹ (42.5764 MHz/T)."""
