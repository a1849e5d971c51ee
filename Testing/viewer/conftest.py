"""A front with stand-ins for sessions, and a browser's part of the conversation."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the viewer needs aiohttp")

FAKE = Path(__file__).with_name("fake_session.py")
WAIT_S = 20.0


def _is_running(pid: int) -> bool:
    """Whether a process runs, a dead one that nobody has collected being none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(state):
    """Wait until a function, or a coroutine function, returns something true; return that."""
    while True:
        found = state()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)


class Visitor:
    """What a browser does; it follows no redirect by itself."""

    until, is_running = staticmethod(until), staticmethod(_is_running)

    def __init__(self, front, base: str, client, folder: Path) -> None:
        from aiohttp import ClientError

        self.front, self.base, self.client, self.folder = front, base, client, folder
        self.origin = {"Origin": base}
        self.error = ClientError

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

        await until(is_there)
        return place

    def session(self, place: str):
        """What the front knows of a session."""
        return self.front.sessions.get(place.split("/")[2])

    async def pid(self, place: str) -> int:
        """Process number of a session."""
        return int((await self.get(f"{place}index.html")).page.split()[1].removesuffix("</h1>"))

    async def ended(self, place: str, quietly: bool = False) -> str:
        """Wait until a session has ended, without asking it when ``quietly``; the page that says so."""
        if quietly:
            await until(lambda: self.session(place).ended)

        async def is_over():
            try:
                answer = await self.get(f"{place}index.html")
            except self.error:
                return None
            return answer.page if answer.status == 410 else None

        page = await until(is_over)
        await until(lambda: not self.session(place).present)
        return page

    async def exit(self, place: str, code: int, say: str = "") -> str:
        """Let the process of a session end; the page that says so."""
        from urllib.parse import quote

        await self.get(f"{place}act?do=exit&code={code}&say={quote(say)}")
        return await self.ended(place)

    def socket(self, place: str, **options):
        """A connection to the WebSocket of a session."""
        return self.client.ws_connect(
            f"{self.base}{place}ws", headers=self.origin, max_msg_size=128 << 20, **options
        )

    async def upload(self, place: str, path: str, data=b"x", batch: str = "b", **options):
        from urllib.parse import quote

        address = f"{place}upload?batch={quote(batch)}&path={quote(path, safe='')}"
        body = io.BytesIO(data) if isinstance(data, bytes) else data
        return await self.ask("POST", address, data=body, headers=self.origin, **options)

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
                    visitor = Visitor(front, base, client, folder)
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


@pytest.fixture
def is_running():
    """Returns a function that tells whether a process of a number runs."""
    return _is_running
