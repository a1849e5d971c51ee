"""Boxes over the muscles: what their voxels spread over, and beside it the estimate from their mean spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.roi import PERCENTILES, ROI_SPECTRUM, VOXEL_MEAN, has_value
from PCrCESTLib.scene.charts import BOXED, COLORS, ESTIMATED, UNCERTAIN, Chart, Curve
from PCrCESTLib.scene.map_nodes import KINDS
from PCrCESTLib.scene.muscles import segment_mask, segment_names
from PCrCESTLib.scene.plots import chart_node, fill
from PCrCESTLib.scene.runs import Run, names_apart
from PCrCESTLib.scene.tables import SUMMARY
from PCrCESTLib.scene.volumes import array_of

# Quantity in the table of regions that a map shows.
QUANTITIES = {"fs": "fs", "ksw": "ksw", "pcr_mm": "PCr", "arex": "AREX"}
SPREAD = ("p5", "q25", "median", "q75", "p95")
HEADROOM = 0.17  # of the height, for each line of the legend


@dataclass(frozen=True)
class Box:
    """What is drawn of one muscle, in the unit of `axis_title`.

    ``spread`` are the percentiles 5, 25, 50, 75 and 95 of its voxels, (5,); ``estimate`` with its ``sd`` is that from
    the mean spectrum, NaN where there is none.
    """

    muscle: str
    spread: np.ndarray
    estimate: float = float("nan")
    sd: float = float("nan")
    identifiable: bool = True


def axis_title(kind: str) -> str:
    """Return a map's quantity with the unit that boxes of it are drawn in."""
    return _unit(kind)[0]


def boxes_of_rows(rows: Sequence[Mapping[str, str]], kind: str) -> list[Box]:
    """Boxes of a map from the table of a run, so that they are of the regions and rules it was computed with.

    Parameters
    ----------
    rows : sequence of mapping
        Those of ``roi_statistics.csv``.
    kind : str
        The map (`KINDS`).

    Returns
    -------
    list of Box
        In the order of the table; empty where the table does not have the map, or no percentiles.
    """
    quantity, factor = QUANTITIES.get(kind), _unit(kind)[1]
    of_map = [row for row in rows if row["quantity"] == quantity]
    estimates = {row["roi"]: row for row in of_map if row["estimator"] == ROI_SPECTRUM and has_value(row)}
    boxes = []
    for row in of_map:
        if row["estimator"] != VOXEL_MEAN or not all(row.get(name) for name in SPREAD):
            continue
        spread = factor * np.array([float(row[name]) for name in SPREAD])
        known = estimates.get(row["roi"])
        if known is None:
            boxes.append(Box(row["roi"], spread))
        else:
            value, sd = (factor * float(known[key]) for key in ("value", "sd"))
            boxes.append(Box(row["roi"], spread, value, sd, known["identifiable"] == "True"))
    return boxes


def boxes_of_voxels(values: Mapping[str, np.ndarray], kind: str) -> list[Box]:
    """Boxes of a map that the table does not have, from the voxels (n_voxels,) of each muscle."""
    percentiles = [PERCENTILES[name] for name in SPREAD]
    known = {muscle: inside[np.isfinite(inside)] for muscle, inside in values.items()}
    factor = _unit(kind)[1]
    return [Box(m, factor * np.percentile(v.astype(float), percentiles)) for m, v in known.items() if len(v)]


def boxes_of_run(run: Run, kind: str, muscles: Any | None) -> list[Box]:
    """Boxes as the run's table has them; of a map that is not in it, those of the muscles as drawn now.

    Parameters
    ----------
    run : Run
        A result that has the map.
    kind : str
        The map (`KINDS`).
    muscles : segmentation node or None
        Muscles as drawn now.
    """
    boxes = boxes_of_rows(run.rows, kind)
    if boxes or muscles is None:
        return boxes
    node, contents = run.maps[kind], muscles.GetSegmentation()
    values = array_of(node)
    masks = {
        name: segment_mask(muscles, contents.GetNthSegmentID(i), node)
        for i, name in enumerate(segment_names(muscles))
    }
    return boxes_of_voxels({name: values[mask] for name, mask in masks.items()}, kind)


def chart_of_runs(runs: Sequence[Run], kind: str, muscles: Any | None) -> Chart:
    """Return the boxes of a map of one result, or of two side by side; muscles are numbered as in the table.

    Parameters
    ----------
    runs : sequence of Run
        One or two that have the map.
    kind, muscles
        As of `boxes_of_run`.
    """
    names = names_apart(*(run.name for run in runs)) if len(runs) > 1 else [runs[0].name]
    boxes = {name: boxes_of_run(run, kind, muscles) for name, run in zip(names, runs, strict=True)}
    rows = [row["roi"] for run in runs for row in run.rows]
    numbered = list(dict.fromkeys([*rows, *(box.muscle for known in boxes.values() for box in known)]))
    axis = axis_title(kind)
    return boxes_chart(boxes, f"{' | '.join(names)}: {axis}", axis, numbered)


def boxes_chart(results: Mapping[str, Sequence[Box]], title: str, axis: str, muscles: Sequence[str]) -> Chart:
    """Return the chart of boxes over muscles.

    Parameters
    ----------
    results : mapping
        Boxes of one result, or of several that stand side by side, by name.
    title, axis : str
        Heading; quantity with its unit.
    muscles : sequence of str
        All of them, in the order of their numbers on the axis.
    """
    curves: list[Curve] = []
    width = 0.84 / max(len(results), 1)
    for i, (name, boxes) in enumerate(results.items()):
        of = "" if len(results) == 1 else f"{name}: "
        color = COLORS[i % len(COLORS)]
        at = {muscle: n + 1 - 0.42 + i * width for n, muscle in enumerate(muscles)}
        parts = {
            f"{of}voxels": (BOXED, [_box(at[b.muscle], width, b.spread) for b in boxes], boxes),
            f"{of}ROI spectrum ± SD": (ESTIMATED, *_estimates(boxes, at, width, identifiable=True)),
            f"{of}not identifiable": (UNCERTAIN, *_estimates(boxes, at, width, identifiable=False)),
        }
        for told, (style, paths, whose) in parts.items():
            if paths:
                x, y = np.concatenate(paths).T
                labels = [box.muscle for box, path in zip(whose, paths, strict=True) for _ in path]
                curves.append(Curve(told, x, y, color, style, tuple(labels)))
    sides = (0.4, len(muscles) + 0.6)
    return Chart(title, "muscle (row of the table)", axis, tuple(curves), sides, _heights(curves))


def show_boxes(chart: Chart) -> Any:
    """Fill the one box chart of the scene; returns the chart node."""
    return fill(chart_node("boxes", "PCrCEST muscles"), chart)


def _heights(curves: Sequence[Curve]) -> tuple[float, float]:
    """Lower and upper end of the axis, with room for the legend."""
    if not curves:
        return -0.05, 1.05
    seen = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in curves])
    low, high = float(seen.min()), float(seen.max())
    height = (high - low) or abs(high) or 1.0
    return low - 0.05 * height, high + (0.05 + HEADROOM * len(curves)) * height


def _unit(kind: str) -> tuple[str, float]:
    """Title with unit, and what values of a map are multiplied by."""
    if kind in QUANTITIES:
        return SUMMARY[QUANTITIES[kind]]
    return ("SD of fs (10⁻³)", 1e3) if kind == "fs_sd" else (KINDS[kind].title, 1.0)


def _box(left: float, width: float, spread: np.ndarray) -> np.ndarray:
    """Whiskers, box and median as one path (n, 2), with a gap at its end."""
    low, q1, median, q3, high = spread
    a, b = left + 0.06 * width, left + 0.64 * width
    x = (a + b) / 2
    path = [
        (x, low), (x, q1), (a, q1), (a, median), (b, median), (a, median), (a, q3), (x, q3), (x, high),
        (x, q3), (b, q3), (b, q1), (x, q1), (np.nan, np.nan),
    ]  # fmt: skip
    return np.array(path, dtype=float)


def _estimates(
    boxes: Sequence[Box], at: Mapping[str, float], width: float, *, identifiable: bool
) -> tuple[list[np.ndarray], list[Box]]:
    """Error bars beside the boxes, as paths (4, 2) with a gap at the end, and whose they are."""
    chosen = [b for b in boxes if np.isfinite(b.estimate) and b.identifiable is identifiable]
    paths = []
    for b in chosen:
        x = at[b.muscle] + 0.84 * width
        paths.append(
            np.array([(x, b.estimate - b.sd), (x, b.estimate), (x, b.estimate + b.sd), (np.nan, np.nan)])
        )
    return paths, chosen
