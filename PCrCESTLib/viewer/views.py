"""Slice views whose pictures go to the browser, and whose mouse events are told when they have been handled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Frames a second under the mouse and elsewhere: a view is rendered in software and sent as JPEG.
MOVING_FPS, RESTING_FPS = 30.0, 12.0
MOVING_QUALITY = 80  # of JPEG; a view at rest is sent again at 90


def slice_views(server: Any, on_mouse: Callable[[str], None]) -> Any:
    """Return the factory of slice views for a view manager; ``on_mouse`` is told the type of each event."""
    from trame_slicer.rca_view import RemoteSliceViewFactory

    class SliceViews(RemoteSliceViewFactory):
        def _create_view(self, *arguments: Any) -> Any:
            made = super()._create_view(*arguments)
            adapter = made.view_adapter
            handle = adapter.on_interaction

            def on_interaction(origin: Any, event: dict[str, Any]) -> None:
                try:
                    handle(origin, event)
                finally:
                    on_mouse(str(event.get("type")))

            adapter.on_interaction = on_interaction
            return made

    return SliceViews(
        server,
        rca_encoder="jpeg",
        target_fps=MOVING_FPS,
        blur_fps=RESTING_FPS,
        interactive_quality=MOVING_QUALITY,
    )
