"""Stands in for a session: it keeps the contract with the front, and does what a test asks of it over HTTP.

Not a test. ``python fake_session.py --folder=FOLDER [--mode MODE]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from aiohttp import web

KEY = os.environ["PCRCEST_SESSION_KEY"]


@web.middleware
async def only_the_front(request, handler):
    if request.headers.get("X-PCrCEST-Key") != KEY:
        return web.Response(status=403, text="only the front may ask")
    return await handler(request)


async def root(_request):
    raise web.HTTPFound("index.html")


async def index(_request):
    return web.Response(text=f"<h1>session {os.getpid()}</h1>", content_type="text/html")


async def echo(request):
    """What arrived: method, path as it was quoted, headers, body."""
    body = await request.read()
    told = {
        "method": request.method,
        "temporary": tempfile.gettempdir(),
        "path": request.rel_url.raw_path,
        "query": request.rel_url.raw_query_string,
        "headers": {k.lower(): v for k, v in request.headers.items()},
        "body": body.decode("latin-1"),
    }
    return web.json_response(told, headers={"Set-Cookie": "a=b", "X-Own": "kept"})


async def raw(request):
    """Length of the body as it came."""
    return web.json_response(len(await request.read()))


async def files(request):
    """All files below the folder, by size."""
    folder = Path(request.app["folder"])
    return web.json_response(
        {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    )


async def big(request):
    """Many bytes in pieces, of an amount that ``?told=1`` says before; the last never comes when ``?broken=1``."""
    response = web.StreamResponse()
    if request.query.get("told"):
        response.content_length = 3 << 20
    await response.prepare(request)
    for _ in range(2):
        await response.write(bytes(1 << 20))
    if request.query.get("broken"):
        os._exit(3)
    await response.write(bytes(1 << 20))
    return response


async def act(request):
    """``?do=exit`` with a code, ``leak`` of memory, ``deaf`` from now on, or a ``child`` in a group of its own."""
    if request.query["do"] == "exit":
        print(request.query.get("say", ""), file=sys.stderr, flush=True)
        os._exit(int(request.query["code"]))
    if request.query["do"] == "leak":
        request.app["held"].append(b"\x01" * int(request.query["bytes"]))
    if request.query["do"] == "deaf":
        await request.app["sites"][0].stop()
        answer = web.Response(text=str(os.getpid()))
        answer.force_close()
        return answer
    if request.query["do"] == "child":
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, stdin=subprocess.DEVNULL
        )
        return web.Response(text=str(child.pid))
    return web.Response(text=str(os.getpid()))


async def socket(request):
    ws = web.WebSocketResponse(max_msg_size=64 << 20, compress=False, protocols=("wamp",))
    await ws.prepare(request)
    async for message in ws:
        if message.data == "close":
            await ws.close(code=4001)
        elif message.data == "exit":
            os._exit(3)
        elif message.type is web.WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)
    request.app["codes"].append(ws.close_code)
    return ws


async def codes(request):
    return web.json_response(request.app["codes"])


def leave_with_the_front():
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def told_port(site):
    return site._server.sockets[0].getsockname()[1]


async def start(options):
    app = web.Application(middlewares=[only_the_front], client_max_size=1 << 30)
    app["folder"], app["held"], app["codes"], app["sites"] = options.folder, [], [], []
    app.router.add_get("/", root)
    app.router.add_get("/index.html", index)
    app.router.add_route("*", "/echo/{rest:.*}", echo)
    app.router.add_post("/raw", raw)
    for name, handler in {"files": files, "big": big, "act": act, "ws": socket, "codes": codes}.items():
        app.router.add_get(f"/{name}", handler)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    app["sites"].append(site)
    await site.start()
    return told_port(site)


def main():
    import asyncio
    import signal

    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--mode", default="")
    options, _ = parser.parse_known_args()
    if options.mode == "fails":
        print("<b>no</b> library libGL.so.1", file=sys.stderr)
        sys.exit(5)
    if options.mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        threading.Thread(target=leave_with_the_front, daemon=True).start()
    if options.mode == "silent":
        signal.pause()
    print("chatter " * 100_000, file=sys.stderr)  # more than a pipe holds

    async def serve():
        port = await start(options)
        print("a line that is no event")
        print(json.dumps({"event": "ready", "port": port}), flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
