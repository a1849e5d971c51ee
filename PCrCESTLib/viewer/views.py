"""Slice views whose pictures go to the browser; their mouse events and sizes are told when they have been handled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Frames a second under the mouse and elsewhere: a view is rendered in software and sent as JPEG.
MOVING_FPS, RESTING_FPS = 30.0, 12.0
MOVING_QUALITY = 80  # of JPEG; a view at rest is sent again at 90


def slice_views(server: Any, on_mouse: Callable[[str], None], on_size: Callable[[str], None]) -> Any:
    """Return the factory of slice views for a view manager.

    Parameters
    ----------
    server : trame server
        Which the pictures are sent through.
    on_mouse : callable
        Is told the type of each mouse event after it was handled.
    on_size : callable
        Is told the name of a view that the page has given another size.
    """
    from trame_slicer.rca_view import RemoteSliceViewFactory

    class SliceViews(RemoteSliceViewFactory):
        def _create_view(self, *arguments: Any) -> Any:
            made = super()._create_view(*arguments)
            adapter = made.view_adapter
            handle, resize = adapter.on_interaction, adapter.update_size

            def on_interaction(origin: Any, event: dict[str, Any]) -> None:
                try:
                    handle(origin, event)
                finally:
                    on_mouse(str(event.get("type")))

            def update_size(origin: Any, size: dict[str, Any]) -> None:
                resize(origin, size)
                on_size(made.slicer_view.name)

            adapter.on_interaction, adapter.update_size = on_interaction, update_size
            return made

    return SliceViews(
        server,
        rca_encoder="jpeg",
        target_fps=MOVING_FPS,
        blur_fps=RESTING_FPS,
        interactive_quality=MOVING_QUALITY,
    )
