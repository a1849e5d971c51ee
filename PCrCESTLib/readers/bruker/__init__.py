"""Bruker ParaVision: a scan as a series, and the scans of a study."""
