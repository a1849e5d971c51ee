"""From images as acquired to Z-spectra with a known noise level, water frequency and body mask."""
