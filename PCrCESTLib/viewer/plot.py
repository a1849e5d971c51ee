"""Part *Plot*: the Z-spectrum under the cursor or of a muscle, boxes over all muscles, the motion of the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.scene.box_plots import chart_of_runs
from PCrCESTLib.scene.charts import (
    BOXED,
    ESTIMATED,
    MARK,
    MEASURED,
    REGION,
    UNCERTAIN,
    VIEWS,
    Chart,
    Curve,
    motion_chart,
    spectra_chart,
)
from PCrCESTLib.scene.plot_choice import BOXES, CROSSHAIR, MOTION, MUSCLE, plots_offered, segment_of
from PCrCESTLib.scene.spectra import Spectrum
from PCrCESTLib.scene.spectrum_source import SpectrumSource

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

WAIT_SECONDS = 0.06
SYMBOLS = {MEASURED: "circle", ESTIMATED: "cross", UNCERTAIN: "x"}


class Plot:
    """Follows the cursor (a spectrum every 60 ms at most) or shows what is chosen."""

    def __init__(self, app: Application) -> None:
        """Begin at the cursor."""
        self.app, self.state = app, app.state
        self._source = SpectrumSource()
        self._ras: tuple[float, float, float] | None = None
        self._is_waiting = False
        self.spectra: list[Spectrum] = []
        self.title = ""
        views = [{"title": text, "value": view} for view, text in VIEWS.items()]
        self.state.update({"plot_of": CROSSHAIR, "plot_items": [], "plot_view": REGION, "plot_views": views})
        self.state.update({"plot": figure(None, bool(self.state.dark)), "plot_title": ""})
        self.state.change("plot_of", "plot_view", "dark")(lambda **_: self.draw())
        app.workspace.on_cursor(self._on_cursor)

    def _on_cursor(self, ras: tuple[float, float, float]) -> None:
        self._ras = ras
        if self.state.plot_of == CROSSHAIR and not self._is_waiting:
            self._is_waiting = True
            self.app.later(self._draw_soon(), "The spectrum cannot be shown")

    async def _draw_soon(self) -> None:
        await asyncio.sleep(WAIT_SECONDS)
        self._is_waiting = False
        self.draw()

    def show_first(self) -> None:
        """Show the first muscle, where there is one: an empty plot says nothing."""
        muscles = [item["value"] for item in self.state.plot_items if segment_of(item["value"])]
        if self.state.plot_of == CROSSHAIR and self._ras is None and muscles:
            self.state.plot_of = muscles[0]
        self.draw()

    def follow_muscle(self, segment: str) -> None:
        """Show the muscle that was chosen for drawing, if a muscle is shown already."""
        if segment_of(str(self.state.plot_of)):
            self.state.plot_of = MUSCLE + segment
            self.draw()

    def muscles_changed(self) -> None:
        """Draw again what a stroke has changed."""
        self.update()
        if segment_of(str(self.state.plot_of)):
            self.draw()

    def update(self) -> None:
        """List what can be plotted."""
        offered = dict(plots_offered(self.app.results.run(), self.app.choice.muscles))
        offered[CROSSHAIR] = "voxel under the mouse"  # no key has to be held here
        self.state.plot_items = [{"title": title, "value": key} for key, title in offered.items()]
        if self.state.plot_of not in offered:
            self.state.plot_of = CROSSHAIR

    def draw(self) -> None:
        """Draw what is chosen."""
        chosen, run = str(self.state.plot_of), self.app.results.run()
        self.spectra, self.title = [], ""
        chart: Chart | None
        if chosen == BOXES:
            chart = self._boxes()
        elif chosen == MOTION and run is not None and run.record.get("motion"):
            motion = run.record["motion"]
            farthest = f"largest displacement {motion['largest_displacement_mm']:.2g} mm"
            chart = motion_chart(motion["frames"], f"{run.name}: {farthest}")
        else:
            self.spectra, self.title = self._spectra(chosen)
            chart = spectra_chart(self.spectra, self.title, self.state.plot_view) if self.spectra else None
        self.state.plot_title = self.title if chart is None else chart.title
        self.state.plot = figure(chart, bool(self.state.dark))

    def _spectra(self, chosen: str) -> tuple[list[Spectrum], str]:
        choice, run = self.app.choice, self.app.results.run()
        series = list(choice.series)
        if not series:
            return [], ""
        segment = segment_of(chosen)
        if segment is not None and choice.muscles is not None:
            return self._source.of_muscle(series, choice.muscles, segment, run)
        return ([], "point at a voxel") if self._ras is None else self._source.at_voxel(series, self._ras, run)

    def _boxes(self) -> Chart | None:
        results, kind = self.app.results, self.app.results.kind()
        runs = [run for run in (results.run(), results.other()) if run is not None and kind in run.maps]
        return chart_of_runs(runs, kind, self.app.choice.muscles) if runs else None


def figure(chart: Chart | None, dark: bool) -> dict[str, Any]:
    """Lay a chart out for Plotly; None gives an empty place without axes."""
    clear = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    if chart is None:
        return {"data": [], "layout": clear | {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
    ink = "#dddddd" if dark else "#333333"
    grid = "rgba(128,128,128,0.25)"
    axis = {"gridcolor": grid, "zeroline": False, "color": ink, "automargin": True}
    x_axis = axis | {"title": {"text": chart.x_title, "standoff": 6}}
    if chart.x_range is not None:
        x_axis["range"] = [chart.x_range[1], chart.x_range[0]] if "ppm" in chart.x_title else list(chart.x_range)
    return {
        "data": [_trace(curve, dark) for curve in chart.curves],
        "layout": clear
        | {
            "margin": {"l": 8, "r": 8, "t": 6, "b": 6},
            "font": {"color": ink, "size": 11},
            "xaxis": x_axis,
            "yaxis": axis | {"title": {"text": chart.y_title, "standoff": 6}},
            "legend": {"orientation": "h", "y": -0.22, "font": {"size": 10}},
            "showlegend": len(chart.curves) > 1,
            "hovermode": "closest",
        },
    }


def _trace(curve: Curve, dark: bool) -> dict[str, Any]:
    color = _css(curve.color, dark)
    has_line = curve.style not in (ESTIMATED, UNCERTAIN)
    symbol = SYMBOLS.get(curve.style)
    mode = "+".join([*(["lines"] if has_line else []), *(["markers"] if symbol else [])])
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": curve.name,
        "x": _numbers(curve.x),
        "y": _numbers(curve.y),
        "mode": mode,
        "line": {"color": color, "width": 1 if curve.style == MARK else 2, "dash": _dash(curve.style)},
        "marker": {"color": color, "size": 5 if curve.style == MEASURED else 8, "symbol": symbol or "circle"},
        "hovertemplate": "%{x:.4g}, %{y:.4g}<extra>%{fullData.name}</extra>",
    }
    if curve.labels:
        trace |= {"text": list(curve.labels), "hovertemplate": "%{text}<extra></extra>"}
    if curve.style == BOXED:
        trace["connectgaps"] = False
    return trace


def _dash(style: str) -> str:
    return "dash" if style == MARK else "solid"


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, float)]


def _css(color: Sequence[float], dark: bool) -> str:
    """Return a color of the charts; on a dark page it is brightened, since they are made for a white one."""
    rgb = [c + (1 - c) * 0.4 for c in color] if dark else list(color)
    return "rgb({},{},{})".format(*(round(255 * c) for c in rgb))
