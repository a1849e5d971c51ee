"""Tools of trame-slicer's segment editor, with the undo of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PCrCESTLib.errors import ReaderError

TOOLS = ("paint", "erase", "outline", "polygon", "threshold")


class Effects:
    """The tool in hand and what it does; ``changed`` is called after every change of the segmentation."""

    def __init__(self, editor: Any, undo_steps: int, changed: Callable[[], None]) -> None:
        """Take hold of a segment editor."""
        from trame_slicer.segmentation import (
            SegmentationEffectDraw,
            SegmentationEffectErase,
            SegmentationEffectPaint,
            SegmentationEffectThreshold,
        )
        from undo_stack import UndoStack

        self._editor, self._changed = editor, changed
        kinds = (
            SegmentationEffectPaint,
            SegmentationEffectErase,
            SegmentationEffectDraw,
            SegmentationEffectDraw,
            SegmentationEffectThreshold,
        )
        self._kinds = dict(zip(TOOLS, kinds, strict=True))
        self._undo = UndoStack(undo_limit=undo_steps)
        editor.set_undo_stack(self._undo)
        editor.segmentation_modified.connect(lambda *_: self._changed())
        for signal in self._undo.signals():
            signal.connect(lambda *_: self._changed())
        self._edited: tuple[Any, Any] | None = None

    def edit(self, segmentation: Any, reference: Any) -> None:
        """Change a segmentation on the grid of a volume; what was undoable of another one no longer is."""
        if self._edited == (segmentation, reference):
            return
        chosen = self._editor.active_segment_id
        self._editor.set_active_segmentation(segmentation, reference)
        self._editor.set_surface_representation_enabled(False)
        if chosen in self._editor.get_segment_ids():
            self._editor.set_active_segment_id(chosen)
        self._edited = (segmentation, reference)

    def take(self, tool: str, brush_mm: float, keep_others: bool) -> None:
        """Take a tool, or none for an empty name; with ``keep_others`` it takes no voxel from another segment."""
        from trame_slicer.segmentation import BrushInteractionMode, SegmentationEditableAreaMode

        # What is put down first is not finished by the next tool: an open polygon is given up.
        self._editor.deactivate_effect()
        if not tool:
            return
        outside = keep_others and tool != "erase"  # what is erased belongs to a segment
        area = SegmentationEditableAreaMode
        self._editor.set_editable_area(area.OUTSIDE_ALL_SEGMENTS if outside else area.EVERYWHERE)
        effect = self._editor.set_active_effect_type(self._kinds[tool])
        if tool in ("outline", "polygon"):
            modes = BrushInteractionMode
            effect.set_brush_interaction_mode(modes.POINT_BY_POINT if tool == "polygon" else modes.CONTINUOUS)
        self.set_brush(brush_mm)

    def set_brush(self, diameter_mm: float) -> None:
        """Set the diameter of brush and eraser, mm."""
        from trame_slicer.segmentation import BrushDiameterMode

        effect = self._editor.active_effect
        if hasattr(effect, "set_brush_diameter"):
            effect.set_brush_diameter(diameter_mm, BrushDiameterMode.Absolute)

    def _threshold_effect(self) -> Any | None:
        effect = self._editor.active_effect
        return effect if isinstance(effect, self._kinds["threshold"]) else None

    def threshold(self) -> tuple[float, float, list[float]]:
        """Return lowest and highest value of the image, and a first threshold by Otsu's method."""
        effect = self._threshold_effect()
        volume = self._editor.active_volume_node
        if effect is None or volume is None:
            raise ReaderError("no threshold is being chosen; take the tool first")
        effect.auto_threshold()
        low, high = volume.GetImageData().GetScalarRange()
        return low, high, [float(v) for v in effect.get_threshold_min_max_values()]

    def set_threshold(self, limits: Sequence[float]) -> None:
        """Preview a threshold."""
        effect = self._threshold_effect()
        if effect is not None:
            effect.set_threshold_min_max_values((float(limits[0]), float(limits[1])))

    def apply_threshold(self) -> None:
        """Fill the chosen segment with what lies within the threshold."""
        effect = self._threshold_effect()
        if effect is None:
            raise ReaderError("no threshold is being chosen; take the tool first")
        effect.apply()

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """Make what is done to the segmentation here one step that can be undone."""
        from trame_slicer.segmentation.segmentation_undo_command import SegmentationLabelMapUndoCommand

        with SegmentationLabelMapUndoCommand.push_state_change(self._editor.active_segmentation):
            yield
        self._editor.active_segmentation.trigger_modified()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._undo.can_undo())

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step to do again."""
        return bool(self._undo.can_redo())

    def undo(self) -> None:
        """Undo the last step."""
        if self.can_undo:
            self._undo.undo()

    def redo(self) -> None:
        """Do the last undone step again."""
        if self.can_redo:
            self._undo.redo()
