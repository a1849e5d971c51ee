"""Part *Results*: maps over the anatomy, numbers per muscle, two results side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PCrCESTLib.scene.map_nodes import KINDS, hide_legends, show_legend, shown_map, style
from PCrCESTLib.scene.messages import messages
from PCrCESTLib.scene.runs import Run, find_runs, names_apart, remove_run
from PCrCESTLib.scene.tables import NUMBERS, TITLES, comparison_rows, summary_rows
from PCrCESTLib.viewer.workspace import ONE, TWO

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

ALL_PERCENT = 100


class Results:
    """Shows one run, and another beside it."""

    def __init__(self, app: Application) -> None:
        """Begin without a result."""
        self.app, self.state = app, app.state
        self._runs: dict[str, Run] = {}
        self.state.update(
            {
                "runs": [],
                "run": "",
                "compare": "",
                "map_kind": "fs",
                "map_items": [],
                "opacity": 0.8,
                "map_range": [0.0, 1.0],
                "map_limits": [0.0, 1.0],
                "map_step": 0.01,
                "doubt": ALL_PERCENT,
                "table_columns": [],
                "table_rows": [],
                "result_messages": "",
                "view_names": [],  # of two results side by side
            }
        )
        self.state.change("run", "compare", "map_kind")(lambda **_: self._on_choice())
        self.state.change("opacity")(lambda opacity, **_: app.workspace.set_opacity(float(opacity)))
        self.state.change("map_range")(lambda map_range, **_: self._on_range(map_range))
        self.state.change("doubt")(lambda **_: self.show())
        self.state.update({"all_open": False, "all_columns": [], "all_rows": []})
        app.trigger("remove_run", self.remove)
        app.trigger("all_numbers", self.show_all)

    def run(self) -> Run | None:
        """Return the run that is shown."""
        return self._runs.get(self.state.run)

    def other(self) -> Run | None:
        """Return the run beside the first."""
        return self._runs.get(self.state.compare) if self.state.compare != self.state.run else None

    def kind(self) -> str:
        """Return the map that is shown: the chosen one, or fs where the run does not have it."""
        run = self.run()
        return self.state.map_kind if self.state.map_kind in (KINDS if run is None else run.maps) else "fs"

    def take(self, run: Run) -> None:
        """Show a run that has just been computed."""
        self._runs[run.run_id] = run
        self.state.run = run.run_id
        self.app.refresh()
        self._fill_range()
        self.show()
        self.app.plot.show_first()

    def leave(self) -> None:
        """Show no result: another scan was opened."""
        self.state.update({"run": "", "compare": ""})
        self._on_choice()

    def remove(self, run_id: str) -> None:
        """Remove a run and its maps from the session."""
        run = self._runs.pop(run_id, None)
        if run is not None:
            remove_run(run)
            self._on_choice()

    def show_all(self) -> None:
        """Show every number of the muscles in a table over the page; the CSV has all digits."""
        run = self.run()
        if run is not None:
            columns = list(TITLES.values())
            rows = [[_cell(key, row.get(key) or "") for key in TITLES] for row in run.rows]
            self.state.update({"all_open": True, "all_columns": columns, "all_rows": rows})

    def _on_choice(self) -> None:
        self.app.refresh()
        self._fill_range()
        self.show()

    def show(self) -> None:
        """Show the chosen map of the chosen run over the image, the other run's beside it."""
        run, other, kind = self.run(), self.other(), self.kind()
        background = self.app.drawing.reference()
        self.state.view_names = []
        if run is None:
            self.app.workspace.set_views(ONE)
            self.app.workspace.show(background, (None, None), 0.0)
            hide_legends()
            return
        most = None if self.state.doubt >= ALL_PERCENT else float(self.state.doubt) / 100
        shown = shown_map(run.maps, kind, most)
        beside = None if other is None or kind not in other.maps else other.maps[kind]
        if other is not None and beside is not None:
            style(beside, kind, tuple(self.state.map_range))
            self.state.view_names = list(names_apart(run.name, other.name))
        self.app.workspace.set_views(ONE if beside is None else TWO)
        self.app.workspace.show(background, (shown, beside), float(self.state.opacity))
        muscles = self.app.choice.muscles
        if muscles is not None and muscles.GetDisplayNode() is not None:
            muscles.GetDisplayNode().SetVisibility2DFill(False)  # a filled muscle would hide the map under it
        show_legend(shown, kind)

    def _fill_range(self) -> None:
        run, kind = self.run(), self.kind()
        if run is None:
            return
        display = run.maps[kind].GetDisplayNode()
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        usual = KINDS[kind].shown
        self.state.update(
            {
                "map_limits": [min(usual[0], low), max(2 * usual[1], high)],
                "map_step": (usual[1] - usual[0]) / 200,
                "map_range": [low, high],
            }
        )

    def _on_range(self, limits: list[float]) -> None:
        run, other, kind = self.run(), self.other(), self.kind()
        low, high = float(limits[0]), float(limits[1])
        if run is None or not low < high:
            return
        maps = [run.maps[kind], *([other.maps[kind]] if other is not None and kind in other.maps else [])]
        for node in maps:
            node.GetDisplayNode().SetWindowLevelMinMax(low, high)
        self.show()

    def update(self) -> None:
        """List runs, maps and numbers."""
        self._runs = {run.run_id: run for run in find_runs()}
        run, other = self.run(), self.other()
        self.state.runs = [{"title": r.name, "value": name} for name, r in self._runs.items()]
        if run is None:
            self.state.update({"map_items": [], "result_messages": "", "table_columns": [], "table_rows": []})
            return
        self.state.map_items = [{"title": k.title, "value": kind} for kind, k in KINDS.items() if kind in run.maps]
        self.state.result_messages = messages(run.record)
        rows = summary_rows(run.rows)
        if other is not None and run.rows and other.rows:
            rows = comparison_rows(run.rows, other.rows, names_apart(run.name, other.name))
        told = [title for title in (rows[0] if rows else ()) if any(row[title] for row in rows)]
        self.state.update({"table_columns": told, "table_rows": [[row[title] for title in told] for row in rows]})


def _cell(key: str, text: str) -> str:
    """Return a number of the table with four digits, anything else as it is."""
    if key in NUMBERS and text:
        return f"{float(text):.4g}"
    return {"True": "yes", "False": "no"}.get(text, text)
