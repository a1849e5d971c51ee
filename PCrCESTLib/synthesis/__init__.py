"""Simulated muscle: random tissues, backgrounds, partially synthetic spectra, digital phantoms."""
