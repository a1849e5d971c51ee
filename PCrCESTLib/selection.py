"""Which voxels of a region count: all that were drawn, or fewer, by stated rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from PCrCESTLib.quality import OBJECTIONS

# A voxel and its four neighbors in the slice; slices are often so thick that the next one is another place.
IN_PLANE = np.zeros((3, 3, 3), bool)
IN_PLANE[1, 1, :] = IN_PLANE[1, :, 1] = True
THIN_SHARE = 0.5  # measured: Testing/benchmarks/partial_volume.py
FEW_VOXELS = 20


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

    def note(self, name: str, mask: np.ndarray, quality: np.ndarray) -> str | None:
        """Say what the rules leave of a region; None where they leave all of it."""
        n_drawn, n_kept = int(mask.sum()), int(self.of(mask, quality).sum())
        if n_kept == n_drawn:
            return None
        rules = [f"eroded by {self.erode}"] * (self.erode > 0) + [
            "without flagged voxels"
        ] * self.exclude_flagged
        left = f"{n_kept} of {n_drawn} voxels" if n_kept else "nothing; it has no row"
        return f"region {name}, {' and '.join(rules)}: {left} left"


ALL = Selection()


def edge_share(mask: np.ndarray) -> float:
    """Share of a region's voxels that have a neighbor outside of it in their slice."""
    n = int(mask.sum())
    return 1 - int(ndimage.binary_erosion(mask, IN_PLANE).sum()) / n if n else 1.0


def partial_volume_note(name: str, mask: np.ndarray) -> str | None:
    """Warn of a region so small or thin that neighbors and fat weigh in its numbers."""
    n, share = int(mask.sum()), edge_share(mask)
    if n >= FEW_VOXELS and share <= THIN_SHARE:
        return None
    return (
        f"region {name} has {n} voxels, {share:.0%} of them at its edge, where other tissue weighs in (partial "
        "volume); draw it larger or read its numbers with care"
    )
