"""The process of one browser session: ``python -m PCrCESTLib.viewer.session``, started by the front (`front.py`).

It listens on the loopback alone and answers only to the key that the front gave it; it ends when the front does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.viewer.access import Access

KEY_VARIABLE, KEY_HEADER = "PCRCEST_SESSION_KEY", "X-PCrCEST-Key"
UPLOADS = "uploads"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one session until the front goes away."""
    parser = argparse.ArgumentParser(prog="python -m PCrCESTLib.viewer.session")
    parser.add_argument("--folder", type=Path, required=True, help="of this session alone")
    parser.add_argument("--root", type=Path, action="append", default=[], help="folder that may be read")
    parser.add_argument("--scan", help="what to open at once")
    args = parser.parse_args(arguments)
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        parser.error(f"{KEY_VARIABLE} is not set; start the viewer by 'pcrcest view'")
    _serve(args.folder.resolve(), args.root, args.scan, key)
    return 0


def _serve(folder: Path, roots: Sequence[Path], scan: str | None, key: str) -> None:
    os.environ["TRAME_ARGS"] = "--server"  # trame must not take our arguments for its own
    os.environ["WSLINK_READY_MSG"] = ""
    from trame.app import get_server

    from PCrCESTLib.viewer.application import Application

    asyncio.set_event_loop(asyncio.new_event_loop())  # before the views, which begin their tasks at once
    (folder / UPLOADS).mkdir(parents=True, exist_ok=True)
    server = get_server("pcrcest", client_type="vue3")
    app = Application(server, Access.to(roots, folder / UPLOADS), folder)
    server.controller.on_server_bind.add(lambda bound: bound.app.middlewares.append(_only_with(key)))

    def ready(**_state: Any) -> None:
        print(json.dumps({"event": "ready", "port": server.port}), flush=True)
        app.later(app.watch_strokes(), "Strokes")
        if scan:
            app.later(app.scan.open(scan), "The scan cannot be loaded")

    server.controller.on_server_ready.add(ready)
    _end_with_front(app)
    try:
        server.start(
            host="127.0.0.1", port=0, open_browser=False, show_connection_info=False, timeout=0, disable_logging=True
        )
    finally:
        app.stop()


def _only_with(key: str) -> Any:
    """Return a filter of requests that lets only those with the key pass."""
    from aiohttp import web

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), key.encode()):
            raise web.HTTPForbidden(text="this address belongs to a session of 'pcrcest view'; open the one it printed")
        answer: web.StreamResponse = await handler(request)
        return answer

    return check


def _end_with_front(app: Any) -> None:
    """End at once when the front closes its end of our input, be it by dying."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.read(4096):
                pass
        with contextlib.suppress(Exception):
            app.stop()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
