"""Ways from spectra to fs and ksw behind one interface: the network, the fits of a peak, the fit of the physics."""

from __future__ import annotations

from PCrCESTLib.methods.choice import METHODS, Settings, make_fit
from PCrCESTLib.methods.method import Curve, Estimates, Method

__all__ = ["METHODS", "Curve", "Estimates", "Method", "Settings", "make_fit"]
