"""What a browser asks of its session, passed on: HTTP and the WebSocket, as streams in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse, web

KEY_HEADER = "X-PCrCEST-Key"
LARGEST_MESSAGE = 64 << 20
# Long enough for a slow line that a large picture fills; a laptop that was closed is noticed nevertheless.
HEARTBEAT_S = 60.0
# Of one connection only (RFC 9110, 7.6.1), or between browser and front only: cookies of other programs on this
# host would otherwise reach the session.
NOT_PASSED_ON = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "expect", "host", "origin", "referer"),
    *("cookie", "set-cookie", "authorization", KEY_HEADER.lower()),
}
# What a connection that closes may say (RFC 6455, 7.4); a browser that leaves says nothing.
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
GOING_AWAY = 1001
Headers = list[tuple[str, str]]


async def forward(
    request: web.Request, client: ClientSession, base: str, path: str, key: str
) -> web.StreamResponse:
    """Pass a request on to ``base`` + ``path`` (still quoted) and its answer back.

    Raises
    ------
    aiohttp.ClientError
        When the session does not answer; an answer that breaks off ends the connection of the browser.
    """
    from aiohttp import ClientError, web

    async with client.request(
        request.method,
        _url(base, path, request.rel_url.raw_query_string),
        headers=[*_passed_on(request.headers.items()), (KEY_HEADER, key)],
        data=request.content if request.body_exists else None,
        allow_redirects=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type", "Accept"),
    ) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in _passed_on(answer.headers.items()):
            response.headers.add(name, value)
        await response.prepare(request)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
        except ClientError:
            response.force_close()
            if request.transport is not None:
                request.transport.abort()  # an end that looked regular would pass half a file off as a whole one
        else:
            await response.write_eof()
        return response


async def bridge(
    request: web.Request, client: ClientSession, base: str, key: str, touch: Callable[[], None]
) -> web.WebSocketResponse:
    """Connect the WebSocket of a browser with that of its session until one of them closes; then the other does.

    ``touch`` is called for every message. `aiohttp.ClientError` when the session does not answer.
    """
    from aiohttp import web

    protocols = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
    # Pictures are compressed already, and compressing them again costs more time than the line does.
    async with client.ws_connect(
        f"{base}/ws", headers={KEY_HEADER: key}, protocols=protocols, max_msg_size=LARGEST_MESSAGE, compress=0
    ) as session:
        browser = web.WebSocketResponse(
            max_msg_size=LARGEST_MESSAGE,
            compress=False,
            heartbeat=HEARTBEAT_S,
            protocols=[session.protocol] if session.protocol else (),
        )
        await browser.prepare(request)
        relays = {
            asyncio.create_task(_relay(browser, session, touch)): (browser, session),
            asyncio.create_task(_relay(session, browser, touch)): (session, browser),
        }
        try:
            done, _ = await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for relay in relays:
                relay.cancel()
            await asyncio.gather(*relays, return_exceptions=True)
        closed, other = relays[done.pop()]
        code = closed.close_code
        await other.close(code=code if code in CLOSE_CODES else GOING_AWAY)
        await closed.close()
        return browser


async def _relay(
    source: web.WebSocketResponse | ClientWebSocketResponse,
    target: web.WebSocketResponse | ClientWebSocketResponse,
    touch: Callable[[], None],
) -> None:
    from aiohttp import WSMsgType

    async for message in source:
        touch()
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _url(base: str, path: str, query: str) -> object:
    from yarl import URL  # comes with aiohttp

    return URL(f"{base}/{path}{'?' if query else ''}{query}", encoded=True)


def _passed_on(headers: Iterable[tuple[str, str]]) -> Headers:
    found = list(headers)
    named = {
        word.strip().lower()
        for name, value in found
        if name.lower() == "connection"
        for word in value.split(",")
    }
    return [(name, value) for name, value in found if name.lower() not in NOT_PASSED_ON | named]
