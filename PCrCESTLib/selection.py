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
        kept = self.eroded(mask)
        return kept & ((quality & OBJECTIONS) == 0) if self.exclude_flagged else kept

    def eroded(self, mask: np.ndarray) -> np.ndarray:
        """Voxels of a region, bool (z, y, x), whatever their flags; the border of the image is an edge too."""
        return ndimage.binary_erosion(mask, IN_PLANE, iterations=self.erode) if self.erode > 0 else mask

    def why_none(self, mask: np.ndarray, quality: np.ndarray) -> str:
        """Say why no voxel of a region, bool (z, y, x), has a number."""
        n = int(mask.sum())
        if not n:
            return "nothing is drawn"
        left = int(self.eroded(mask).sum())
        if not left:
            return f"erosion by {_layers(self.erode)} leaves none of its voxels ({n})"
        which = f"each voxel that erosion leaves ({left})" if self.erode else f"each of its voxels ({n})"
        flagged = not self.of(mask, quality).any()
        return f"{which} {'has a quality flag and is left out' if flagged else 'lacks a usable spectrum'}"

    @property
    def rules(self) -> str:
        """The rules in words; empty where all voxels count."""
        eroded = [f"eroded by {_layers(self.erode)}"] if self.erode else []
        return " and ".join(eroded + ["without flagged voxels"] * self.exclude_flagged)


ALL = Selection()


def _layers(n: int) -> str:
    return "1 layer" if n == 1 else f"{n} layers"


def edge_share(drawn: np.ndarray, used: np.ndarray | None = None) -> float:
    """Share of the ``used`` voxels of a region that have a neighbor outside of what was ``drawn`` in their slice."""
    counted = drawn if used is None else used
    inner = ndimage.binary_erosion(drawn, IN_PLANE)
    return float(np.mean(~inner[counted])) if counted.any() else 0.0


def selection_notes(regions: Sequence[tuple[str, np.ndarray, np.ndarray]], selection: Selection) -> list[str]:
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
        left = [f"{name} {_left(drawn, used, selection)}" for name, drawn, used in regions]
        notes.append(f"regions {selection.rules}: {', '.join(left)}")
    gone = [name for name, _, used in regions if not used.any()]
    if gone:
        notes.append(f"the rules leave no voxel of {', '.join(gone)}: the table says so in place of numbers")
    return [*notes, *_partial_volume(regions)]


def _partial_volume(regions: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> list[str]:
    """Say which regions have most of their voxels at the edge, and which hardly have any voxels."""
    facts = [(name, int(used.sum()), edge_share(drawn, used)) for name, drawn, used in regions]
    thin = [
        f"{name} ({n} voxels, {share:.0%} at its edge)" for name, n, share in facts if share > MOST_AT_EDGE
    ]
    few = [f"{name} ({n})" for name, n, share in facts if 0 < n < FEWEST_VOXELS and share <= MOST_AT_EDGE]
    notes = []
    if thin:
        notes.append(
            f"neighbors and fat weigh in the numbers of small or thin regions (partial volume): {', '.join(thin)}; "
            "draw them larger where the muscle is, or take off a layer (--erode 1)"
        )
    if few:
        notes.append(
            f"fewer than {FEWEST_VOXELS} voxels count in {', '.join(few)}: take their numbers with care"
        )
    return notes


def _left(drawn: np.ndarray, used: np.ndarray, selection: Selection) -> str:
    """Say how many voxels are left, and by which rule the others went where there are two."""
    left, inner = int(used.sum()), int(selection.eroded(drawn).sum())
    counts = f"{left} of {int(drawn.sum())} voxels"
    both = selection.erode > 0 and selection.exclude_flagged
    return f"{counts} ({int(drawn.sum()) - inner} eroded, {inner - left} flagged)" if both else counts
