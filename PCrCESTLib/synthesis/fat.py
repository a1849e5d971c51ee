"""The resonances of fat."""

# Shift from water (ppm) and share of the signal: methylene, allylic, olefinic.
FAT_LINES_PPM = ((-3.4, 0.80), (-2.6, 0.12), (0.6, 0.08))
