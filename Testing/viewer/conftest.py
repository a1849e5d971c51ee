"""A front with stand-ins for sessions, and a browser's part of the conversation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the viewer needs aiohttp")

FAKE = Path(__file__).with_name("fake_session.py")
WAIT_S = 20.0


def is_running(pid: int) -> bool:
    """Whether a process runs, a dead one that nobody has collected being none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(state, what: str):
    """Wait until a function says something true; return that."""
    async with asyncio.timeout(WAIT_S) if hasattr(asyncio, "timeout") else contextlib.nullcontext():
        while True:
            found = state()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


class Visitor:
    """What a browser does; it follows no redirect by itself."""

    def __init__(self, front, base: str, client) -> None:
        self.front, self.base, self.client = front, base, client
        self.origin = {"Origin": base}

    async def get(self, path: str, **options):
        """Status, headers and body of what lies at a path, sent as it is written."""
        return await self.ask("GET", path, **options)

    async def ask(self, method: str, path: str, **options):
        from yarl import URL

        async with self.client.request(
            method, URL(self.base + path, encoded=True), allow_redirects=False, **options
        ) as answer:
            answer.body = await answer.read()
            answer.page = answer.body.decode("utf-8", "replace")
            return answer

    async def enter(self) -> str:
        """Begin a session; its address ``/s/…/`` as soon as it answers."""
        answer = await self.get(f"/?token={self.front.token}")
        assert answer.status == 302, answer.page
        place = answer.headers["Location"]

        async def is_there():
            return (await self.get(f"{place}index.html")).page.startswith("<h1>session")

        await until(is_there, "the session to answer")
        return place

    async def upload(self, place: str, path: str, data=b"x", batch: str = "b", **options):
        from urllib.parse import quote

        headers = self.origin | options.pop("headers", {})
        return await self.ask(
            "POST", f"{place}upload?batch={batch}&path={quote(path, safe='')}", data=data, headers=headers, **options
        )

    async def raw(self, lines: str) -> str:
        """Send a request byte by byte as it is written; the answer until the connection closes."""
        host, port = self.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write((lines + f"\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n").encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode("utf-8", "replace")


@pytest.fixture
def talk(tmp_path):
    """Returns a function that runs ``async def story(visitor)`` against a front with the given limits."""

    def run(story, mode: str = "", command=None, **limits):
        from aiohttp import ClientSession

        from PCrCESTLib.viewer.front import Front
        from PCrCESTLib.viewer.limits import Limits

        async def play():
            folder = tmp_path / "sessions"
            folder.mkdir(exist_ok=True)
            chosen = replace(Limits(), **{"check_s": 0.05} | limits)
            front = Front(command or [sys.executable, str(FAKE), f"--mode={mode}"], folder, chosen)
            listening = socket.create_server(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            stop = asyncio.Event()
            serving = asyncio.create_task(front.serve(listening, stop))
            try:
                async with ClientSession() as client:
                    visitor = Visitor(front, base, client)
                    visitor.folder = folder
                    playing = asyncio.create_task(asyncio.wait_for(story(visitor), WAIT_S))
                    await asyncio.wait((playing, serving), return_when=asyncio.FIRST_COMPLETED)
                    assert not serving.done(), serving.exception()
                    await playing
            finally:
                stop.set()
                await serving
                listening.close()
            assert list(folder.iterdir()) == []

        asyncio.run(play())

    return run


@pytest.fixture
def environment():
    """Environment of a process that runs this checkout."""
    return os.environ | {"PYTHONPATH": str(FAKE.parents[2]), "PYTHONUNBUFFERED": "1"}
