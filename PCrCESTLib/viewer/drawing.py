"""Part *Muscles*: presets, brush, eraser, polygon and threshold, with undo, on the anatomy or on a frame."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.muscles import PRESETS
from PCrCESTLib.scene.muscles import add_muscle, add_segmentation, copy_to_next_slice, segment_mask
from PCrCESTLib.scene.series_nodes import frames_of_node, show_frame, shown_frame
from PCrCESTLib.viewer.effects import TOOLS, Effects

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

UNDO_STEPS = 20
WAIT_SECONDS = 0.03  # counting the voxels of 14 muscles in a volume of 256 x 256 x 30 takes 0.15 s
SIDES = ("", "left", "right")


class Drawing:
    """Muscles are segments of one segmentation on the grid of the image they are drawn on.

    Everything that changes what a stroke does goes through `Application.edit`, in the order of the strokes.
    """

    def __init__(self, app: Application) -> None:
        """Begin without muscles."""
        self.app, self.state = app, app.state
        self.editor = app.workspace.editor
        self._is_changed = False
        self.effects = Effects(self.editor, UNDO_STEPS, self._changed)
        first = next(iter(PRESETS))
        self.state.update(
            {
                "presets": list(PRESETS),
                "preset": first,
                "preset_muscles": [m.name for m in PRESETS[first]],
                "muscle": PRESETS[first][0].name,
                "side": "",
                "segments": [],
                "segment": "",
                "tool": "",
                "keep_others": False,
                "brush_mm": 3.0,
                "threshold": [0.0, 1.0],
                "threshold_limits": [0.0, 1.0],
                "can_undo": False,
                "can_redo": False,
                "slice": 0,
                "slices": 1,
                "draw_on": 0,
                "draw_on_items": [],
                "muscles_hint": "",
            }
        )
        self.app.edits |= {
            "add": lambda _value: self.add(),
            "segment": self.choose_segment,
            "tool": self.choose_tool,
            "remove": self.remove,
            "undo": lambda _value: self.effects.undo(),
            "redo": lambda _value: self.effects.redo(),
            "copy": lambda step: self.copy(int(step)),
            "keep_others": self.keep_others,
            "threshold_apply": lambda _value: self.apply_threshold(),
            "slice": lambda k: self.show_slice(int(k)),
            "fit": lambda _value: app.workspace.fit_content(),
            "draw_on": lambda frame: self.draw_on(int(frame)),
        }
        self.state.change("preset")(self._on_preset)
        self.state.change("brush_mm")(lambda brush_mm, **_: self.effects.set_brush(float(brush_mm)))
        self.state.change("threshold")(lambda threshold, **_: self.effects.set_threshold(threshold))
        app.workspace.on_slice(self._on_slice)

    def _on_preset(self, preset: str, **_: Any) -> None:
        if preset in PRESETS:
            names = [m.name for m in PRESETS[preset]]
            self.state.update({"preset_muscles": names, "muscle": names[0]})

    def on_key(self, key: str, presses: int = 0, releases: int = 0) -> None:
        """Do what a key stands for (`page/dialogs.py` lists them)."""
        tools = {"b": "paint", "e": "erase", "o": "outline", "p": "polygon", "t": "threshold", "Escape": ""}
        if key in tools:
            self.app.edit("tool", tools[key], presses, releases)
        elif key == "r":
            self.app.edit("fit", None, presses, releases)
        elif key in ("z", "y"):
            self.app.edit("undo" if key == "z" else "redo", None, presses, releases)
        elif key in ("ArrowUp", "ArrowDown"):
            self.app.edit("slice", self.state.slice + (1 if key == "ArrowUp" else -1), presses, releases)
        elif key in ("[", "]"):
            with self.state:
                self.state.brush_mm = round(max(0.2, float(self.state.brush_mm) * (1.25 if key == "]" else 0.8)), 2)

    def reference(self) -> Any | None:
        """Return the image that is drawn on: the anatomy, else a frame of the series; None without a scan."""
        choice = self.app.choice
        if not choice.series:
            return None
        if choice.anatomy is not None and self.state.draw_on == 0:
            return choice.anatomy
        shown = shown_frame(choice.series[0])
        return shown if shown is not None else show_frame(choice.series[0], self._frame_number())

    def _frame_number(self) -> int:
        before = 1 if self.app.choice.anatomy is not None else 0
        return max(0, int(self.state.draw_on) - before)

    def draw_on(self, entry: int) -> None:
        """Show another image to draw on: an entry of ``draw_on_items``."""
        self.state.draw_on = entry
        choice = self.app.choice
        if choice.anatomy is None or entry > 0:
            show_frame(choice.series[0], self._frame_number())
        self._edit_here()
        self.app.results.show()

    def show_scan(self) -> None:
        """Show the images of a scan that has just been loaded, and its muscles."""
        self.choose_tool("")
        self.state.draw_on = 0
        reference = self.reference()
        if reference is not None:
            self._edit_here()
            self.app.results.show()
            self.app.workspace.fit(self.app.choice.series[0].GetNthDataNode(0), reference)
        else:
            self.app.workspace.show(None, (None, None), 0.0)
        self.update()
        self.app.plot.draw()  # not the spectrum of another scan

    def _edit_here(self) -> None:
        """Let the editor change the chosen muscles on the image that is shown."""
        muscles, reference = self.app.choice.muscles, self.reference()
        if muscles is not None and reference is not None:
            self.effects.edit(muscles, reference)

    def add(self) -> None:
        """Add the muscle that is chosen in the presets, and take the brush."""
        reference = self.reference()
        if reference is None:
            raise ReaderError("no scan is open; open one first")
        muscles = self.app.choice.muscles
        if muscles is None:
            muscles = add_segmentation(reference, "Muscles")
            self.app.choice = replace(self.app.choice, muscles=muscles)
        known = {m.name: m for m in PRESETS[self.state.preset]}
        if self.state.muscle not in known or self.state.side not in SIDES:
            raise ReaderError("no such muscle in this preset; choose one of the list")
        segment = add_muscle(muscles, known[self.state.muscle], self.state.side)
        muscles.GetDisplayNode().SetVisibility2DFill(True)
        self._edit_here()
        self.choose_segment(segment)
        self.choose_tool("paint")
        self.app.refresh()

    def choose_segment(self, segment: str) -> None:
        """Choose the muscle that strokes go into."""
        if segment in self.editor.get_segment_ids():
            self.editor.set_active_segment_id(segment)
            self.update()
            self.app.plot.follow_muscle(segment)

    def choose_tool(self, tool: str) -> None:
        """Take a tool of `TOOLS` into the hand, or none; the same one again puts it down."""
        if tool and (tool not in TOOLS or not self.editor.get_segment_ids()):
            raise ReaderError("there is no muscle to draw; add one first")
        self.state.tool = "" if tool == self.state.tool else tool
        self._take_tool()
        if self.state.tool == "threshold":
            low, high, found = self.effects.threshold()
            self.state.update({"threshold_limits": [low, high], "threshold": found})

    def _take_tool(self) -> None:
        self.effects.take(self.state.tool, float(self.state.brush_mm), bool(self.state.keep_others))

    def keep_others(self, keep: bool) -> None:
        """Choose whether tools may take voxels from other muscles."""
        self.state.keep_others = bool(keep)
        self._take_tool()

    def apply_threshold(self) -> None:
        """Fill the chosen muscle with what lies within the threshold."""
        self.effects.apply_threshold()
        self.choose_tool("")

    def remove(self, segment: str) -> None:
        """Remove a muscle."""
        self.editor.remove_segment(segment)
        self.app.refresh()

    def copy(self, step: int) -> None:
        """Copy what the chosen muscle covers in this slice to the next (1) or the previous (-1) one."""
        muscles, segment, reference = self.app.choice.muscles, self.editor.active_segment_id, self.reference()
        if muscles is None or not segment or reference is None:
            raise ReaderError("no muscle is selected; select one in the list, then copy")
        with self.effects.undoable():
            target = copy_to_next_slice(
                muscles, segment, reference, self.app.workspace.slice_of(reference), 1 if step > 0 else -1
            )
        self.show_slice(target)

    def show_slice(self, k: int) -> None:
        """Bring a slice of the image into the views."""
        reference = self.reference()
        if reference is not None and 0 <= k < reference.GetImageData().GetDimensions()[2]:
            self.app.workspace.go_to_slice(reference, k)

    def _on_slice(self) -> None:
        reference = self.reference()
        if reference is not None:
            k = self.app.workspace.slice_of(reference)
            if k != self.state.slice:
                self.state.slice = k
                self.state.flush()

    def _changed(self) -> None:
        """Show what the editor changed: once for all that one stroke makes it tell."""
        if not self._is_changed:
            self._is_changed = True
            self.app.later(self._show_changes(), "The muscles cannot be shown")

    async def _show_changes(self) -> None:
        await asyncio.sleep(WAIT_SECONDS)
        self._is_changed = False
        self.update()
        self.app.plot.muscles_changed()

    def update(self) -> None:
        """Show the muscles with their sizes, and what can be done."""
        choice, reference = self.app.choice, self.reference()
        self.state.can_undo, self.state.can_redo = self.effects.can_undo, self.effects.can_redo
        self.state.segments = [] if reference is None else self._listed(reference)
        self.state.segment = self.editor.active_segment_id if self.state.segments else ""
        items = [] if choice.anatomy is None else [f"anatomy: {choice.anatomy.GetName()}"]
        for series in choice.series[:1]:
            items += [f"{series.GetNthIndexValue(i)} ppm" for i in range(frames_of_node(series))]
        self.state.draw_on_items = [{"title": text, "value": i} for i, text in enumerate(items)]
        self.state.slices = 1 if reference is None else reference.GetImageData().GetDimensions()[2]
        hint = "Optional: add a muscle and draw it. Without one there are maps, but no table."
        self.state.muscles_hint = "" if self.state.segments or not choice.series else hint

    def _listed(self, reference: Any) -> list[dict[str, Any]]:
        muscles = self.app.choice.muscles
        if muscles is None:
            return []
        contents = muscles.GetSegmentation()
        found = []
        for i in range(contents.GetNumberOfSegments()):
            segment, name = contents.GetNthSegment(i), contents.GetNthSegmentID(i)
            r, g, b = (round(255 * c) for c in segment.GetColor())
            voxels = int(segment_mask(muscles, name, reference).sum())
            found.append({"id": name, "name": segment.GetName(), "color": f"rgb({r},{g},{b})", "voxels": voxels})
        return found
