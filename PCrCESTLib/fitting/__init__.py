"""Fits: spectra in, parameters of a model out."""
