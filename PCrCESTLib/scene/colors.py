"""The color scale of the maps: even steps to the eye, readable by the color-blind, dark to bright."""

from __future__ import annotations

from typing import Any

import numpy as np

COLOR_NODE = "PCr scale"
N_COLORS = 256
# Lightness grows evenly while the hue turns from blue through red to yellow at nearly constant chroma (CIE L*C*h), so
# that equal steps of a map are equal steps to the eye. Growing lightness tells high from low in every color blindness
# and in gray print.
LIGHTNESS, CHROMA, HUE_DEGREES = (20.0, 89.0), (56.0, 54.0), (300.0, 450.0)
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_XYZ_TO_RGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)


def path(n: int = N_COLORS) -> np.ndarray:
    """Colors from low to high, CIE L*a*b*, (n, 3)."""
    lightness, chroma, hue = (np.linspace(low, high, n) for low, high in (LIGHTNESS, CHROMA, HUE_DEGREES))
    return np.stack(
        [lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))], axis=1
    )


def scale(n: int = N_COLORS) -> np.ndarray:
    """Colors from low to high, sRGB 0–1, (n, 3)."""
    return np.clip(lab_to_srgb(path(n)), 0, 1)


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* (D65) to sRGB, both (n, 3); values outside 0–1 cannot be shown (IEC 61966-2-1)."""
    y = (lab[:, 0] + 16) / 116
    f = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = _WHITE_D65 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = xyz @ _XYZ_TO_RGB.T
    return np.asarray(
        np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
    )


def color_node() -> Any:
    """Return the scene's color node of the scale, made when it is missing."""
    import slicer

    found = slicer.mrmlScene.GetFirstNodeByName(COLOR_NODE)
    if found is not None and found.IsA("vtkMRMLColorTableNode"):
        return found
    node = slicer.vtkMRMLColorTableNode()
    node.SetName(COLOR_NODE)
    node.SetTypeToUser()
    node.SetNumberOfColors(N_COLORS)
    for i, (r, g, b) in enumerate(scale()):
        node.SetColor(i, f"{i / (N_COLORS - 1):.3f}", r, g, b, 1.0)
    return slicer.mrmlScene.AddNode(node)
