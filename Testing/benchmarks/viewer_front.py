"""What the front of the browser viewer costs: round trips through it and around it.

``python Testing/benchmarks/viewer_front.py`` prints milliseconds a picture and megabytes a second of an upload. The
session is the stand-in of the tests, which sends back what it gets.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from aiohttp import ClientSession

from PCrCESTLib.viewer.front import Front
from PCrCESTLib.viewer.limits import Limits
from PCrCESTLib.viewer.processes import all_processes

FAKE = Path(__file__).parents[1] / "viewer" / "fake_session.py"
ROUNDS = 300
SIZES_KB = (1, 100, 1000, 10_000)
UPLOAD_BYTES = 1 << 28


async def round_trip_ms(ws, size: int) -> float:
    picture = os.urandom(size)
    rounds = max(10, min(ROUNDS, (1 << 28) // size))
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ws.send_bytes(picture)
        await ws.receive_bytes()
        took.append(1e3 * (time.perf_counter() - begun))
    return float(np.median(took))


async def measure(client: ClientSession, front: Front, base: str) -> None:
    async with client.get(f"{base}/?token={front.token}") as answer:
        place = str(answer.url)
    (session,) = front.sessions.present
    await session.begun.wait()
    around = client.ws_connect(
        f"http://127.0.0.1:{session.port}/ws", headers={"X-PCrCEST-Key": session.key}, max_msg_size=1 << 27
    )
    through = client.ws_connect(f"{place}ws", headers={"Origin": base}, max_msg_size=1 << 27)
    print("there and back, median ms      session alone   through the front")
    async with around as alone, through as fronted:
        for kb in SIZES_KB:
            one, two = [await round_trip_ms(ws, 1000 * kb) for ws in (alone, fronted)]
            print(f"{kb:8d} kB                   {one:10.2f}      {two:10.2f}")
    begun = time.perf_counter()
    address = f"{place}upload?batch=b&path=big"
    async with client.post(address, data=io.BytesIO(bytes(UPLOAD_BYTES)), headers={"Origin": base}) as answer:
        assert answer.status == 200
    print(f"upload: {UPLOAD_BYTES / 1e6 / (time.perf_counter() - begun):.0f} MB/s")
    begun = time.perf_counter()
    count = len(all_processes())
    print(f"one look at the memory of {count} processes: {1e3 * (time.perf_counter() - begun):.1f} ms")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        front = Front([sys.executable, str(FAKE)], Path(folder), Limits())
        stop = asyncio.Event()
        serving = asyncio.create_task(front.serve(listening, stop))
        async with ClientSession() as client:
            await measure(client, front, f"http://127.0.0.1:{listening.getsockname()[1]}")
        stop.set()
        await serving


if __name__ == "__main__":
    asyncio.run(main())
