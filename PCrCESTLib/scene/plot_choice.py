"""What can be plotted of the scene: the voxel pointed at, each muscle, boxes of a map, and motion."""

from __future__ import annotations

from typing import Any

from PCrCESTLib.scene.muscles import segment_names
from PCrCESTLib.scene.runs import Run

CROSSHAIR, BOXES, MOTION = "crosshair", "boxes", "motion"
MUSCLE = "muscle:"  # followed by the ID of the segment
TITLES = {
    CROSSHAIR: "the voxel under the crosshair (hold Shift)",
    BOXES: "all muscles, as boxes of the map",
    MOTION: "motion of the frames, before and after",
}


def plots_offered(run: Run | None, segmentation: Any | None) -> list[tuple[str, str]]:
    """Return key and title of everything that can be plotted; a muscle's title is its name.

    Parameters
    ----------
    run : Run or None
        The result that is shown.
    segmentation : segmentation node or None
        Muscles as drawn now.
    """
    found = [(CROSSHAIR, TITLES[CROSSHAIR])]
    if segmentation is not None:
        contents = segmentation.GetSegmentation()
        names = segment_names(segmentation)
        found += [(f"{MUSCLE}{contents.GetNthSegmentID(i)}", name) for i, name in enumerate(names)]
    if run is not None and (run.rows or len(found) > 1):
        found.append((BOXES, TITLES[BOXES]))
    if run is not None and run.record.get("motion"):
        found.append((MOTION, TITLES[MOTION]))
    return found


def segment_of(key: str) -> str | None:
    """ID of the segment that a plot is of; None for the other plots."""
    return key[len(MUSCLE) :] if key.startswith(MUSCLE) else None
