"""Files that a session offers to its browser: only those in its folder of downloads."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

if TYPE_CHECKING:
    from aiohttp import web

CHUNK_BYTES = 1 << 18
# What a browser may show itself; of a page, neither scripts nor anything from outside it.
INLINE = {".html": "text/html; charset=utf-8", ".png": "image/png", ".pdf": "application/pdf"}
SANDBOX = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


async def send_file(request: web.Request, folder: Path, name: str) -> web.StreamResponse | None:
    """Send the file ``name`` of a folder, as an attachment unless ``?inline=1`` asks for what a browser can show.

    None when there is no such plain file; a link is none.
    """
    from aiohttp import web

    stream = _open(folder, name)
    if stream is None:
        return None
    with stream:
        size = os.fstat(stream.fileno()).st_size
        response = web.StreamResponse(headers=_headers(name, inline=request.query.get("inline") == "1"))
        response.content_length = size
        await response.prepare(request)
        while chunk := await asyncio.to_thread(stream.read, CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
        return response


def _open(folder: Path, name: str) -> BinaryIO | None:
    if name in ("", ".", "..") or any(mark in name for mark in "/\\:\x00"):
        return None
    path = folder / name
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        # It may have become a link, or a pipe that never opens, since.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        stream = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return stream
    stream.close()
    return None


def _headers(name: str, inline: bool) -> dict[str, str]:
    kind = INLINE.get(Path(name).suffix.lower()) if inline else None
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    told = f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    if kind is None:
        return {"Content-Type": "application/octet-stream", "Content-Disposition": f"attachment; {told}"}
    return {
        "Content-Type": kind,
        "Content-Disposition": f"inline; {told}",
        "Content-Security-Policy": SANDBOX,
    }
