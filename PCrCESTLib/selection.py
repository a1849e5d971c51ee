"""Which voxels of a region count: all that were drawn, or fewer, by stated rules; and what to doubt of the region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from PCrCESTLib.quality import OBJECTIONS

# A voxel and its four neighbors in the slice; slices are often so thick that the next one is another place.
IN_PLANE = np.zeros((3, 3, 3), bool)
IN_PLANE[1, 1, :] = IN_PLANE[1, :, 1] = True
# On a digital rat leg, regions with up to half of their voxels at the edge miss fs by 1.3 % (RMS), those with more by
# 3.8 % and up to 6; one layer off, and it is below 1 % down to 9 voxels (Testing/benchmarks/partial_volume.py).
MOST_AT_EDGE = 0.5
FEWEST_VOXELS = 8


@dataclass(frozen=True)
class Selection:
    """Rules: take ``erode`` layers of voxels off each region in its plane; leave out voxels with a quality flag.

    Flags on identifiability alone (fs or ksw no better known than before) do not leave a voxel out.
    """

    erode: int = 0
    exclude_flagged: bool = False

    def of(self, mask: np.ndarray, quality: np.ndarray) -> np.ndarray:
        """Voxels that count, bool (z, y, x), of a region ``mask`` under the bits ``quality`` of `Quality`."""
        kept = mask
        if self.erode > 0:
            kept = ndimage.binary_erosion(kept, IN_PLANE, iterations=self.erode)
        if self.exclude_flagged:
            kept = kept & ((quality & OBJECTIONS) == 0)
        return kept

    @property
    def rules(self) -> str:
        """The rules in words; empty where all voxels count."""
        layers = "1 layer" if self.erode == 1 else f"{self.erode} layers"
        eroded = [f"eroded by {layers}"] if self.erode else []
        return " and ".join(eroded + ["without flagged voxels"] * self.exclude_flagged)


ALL = Selection()


def edge_share(drawn: np.ndarray, used: np.ndarray | None = None) -> float:
    """Share of the ``used`` voxels of a region that have a neighbor outside of what was ``drawn`` in their slice."""
    counted = drawn if used is None else used
    inner = ndimage.binary_erosion(drawn, IN_PLANE)
    return float(np.mean(~inner[counted])) if counted.any() else 0.0


def selection_notes(
    regions: Sequence[tuple[str, np.ndarray, np.ndarray]], selection: Selection
) -> list[str]:
    """Say what the rules left of each region, and which suffer from partial volume.

    Parameters
    ----------
    regions : sequence of (name, drawn, used)
        Masks bool (z, y, x): as drawn, and the voxels that count.
    selection : Selection
        The rules.
    """
    notes = []
    if selection.rules:
        left = [f"{name} {int(used.sum())} of {int(drawn.sum())} voxels" for name, drawn, used in regions]
        notes.append(f"regions {selection.rules}: {', '.join(left)}")
    doubtful = []
    for name, drawn, used in regions:
        share, n = edge_share(drawn, used), int(used.sum())
        if n and (share > MOST_AT_EDGE or n < FEWEST_VOXELS):
            doubtful.append(f"{name} ({n} voxels, {share:.0%} at its edge)")
    if doubtful:
        notes.append(
            f"neighbors and fat weigh in the numbers of small or thin regions (partial volume): {', '.join(doubtful)}; "
            "draw them larger where the muscle is, or take off a layer (--erode 1)"
        )
    return notes
