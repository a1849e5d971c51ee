"""The only thing that browsers talk to: it checks who asks, begins sessions, and passes on what belongs to them."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from PCrCESTLib.viewer import pages
from PCrCESTLib.viewer.download import send_file
from PCrCESTLib.viewer.limits import Limits
from PCrCESTLib.viewer.proxy import bridge, forward
from PCrCESTLib.viewer.sessions import DOWNLOADS, FullError, Session, Sessions
from PCrCESTLib.viewer.upload import UploadError

if TYPE_CHECKING:
    import socket

    from aiohttp import ClientSession, web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    SessionHandler = Callable[[web.Request, Session], Awaitable[web.StreamResponse]]

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
METHODS = ("GET", "HEAD", "POST")
CLOSE_S = 2.0


class Front:
    """The web application in front of all sessions."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Begin sessions with ``command``; their folders lie in ``folder``, which only this user can read."""
        self.token = secrets.token_urlsafe(32)
        self._once: set[str] = set()
        self.sessions = Sessions(command, folder, limits)
        self._client: ClientSession | None = None

    def one_time_token(self) -> str:
        """Return a token that begins one session: one that others may see, as in the list of processes."""
        token = secrets.token_urlsafe(32)
        self._once.add(token)
        return token

    async def serve(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Answer on a socket until told to stop; then end all sessions."""
        from aiohttp import web

        runner = web.AppRunner(
            self.application(),
            access_log=None,  # it would hold the token and the names of sessions
            auto_decompress=False,  # what is passed on keeps the headers that it came with
            shutdown_timeout=CLOSE_S,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            await stop.wait()
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        """Return the application; it ends all sessions when it shuts down."""
        from aiohttp import web

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await _guarded(request, handler)
            if not request.content.at_eof():
                # What is left of a body that was refused must not be taken for the next request.
                response.force_close()
            return response

        app = web.Application(middlewares=[guard])
        app.on_response_prepare.append(_protect)
        app.cleanup_ctx.append(self._lifetime)
        app.on_shutdown.append(self._end_sessions)
        app.router.add_get("/", self._begin, allow_head=False)
        app.router.add_get("/s/{sid}", self._add_slash)
        app.router.add_post("/s/{sid}/upload", self._of_session(self._upload))
        app.router.add_get("/s/{sid}/download/{name}", self._of_session(self._download))
        app.router.add_get("/s/{sid}/ws", self._of_session(self._websocket))
        for method in METHODS:
            app.router.add_route(method, "/s/{sid}/{path:.*}", self._of_session(self._http))
        return app

    async def _lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

        self._client = ClientSession(
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=None),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )
        watch = asyncio.create_task(self.sessions.watch())
        yield
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        await self._client.close()

    async def _end_sessions(self, _app: web.Application) -> None:
        await self.sessions.close()

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if "prefetch" in request.headers.get("Sec-Purpose", ""):
            return pages.page(503, "Not ahead of time", "A session begins when its address is opened.")
        if not self._is_token(request.query.get("token", "")):
            return pages.page(
                403,
                "This address lacks its token",
                "Open the whole address that pcrcest view printed, with what follows token=.",
            )
        try:
            session = self.sessions.begin()
        except FullError as error:
            return pages.page(503, "No session is free", str(error))
        return web.Response(status=302, headers={"Location": f"/s/{session.sid}/"})

    async def _add_slash(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        return web.Response(status=302, headers={"Location": f"/s/{request.match_info['sid']}/"})

    def _is_token(self, given: str) -> bool:
        asked = given.encode("utf-8", "replace")
        once = [token for token in self._once if hmac.compare_digest(asked, token.encode())]
        self._once.difference_update(once)
        return hmac.compare_digest(asked, self.token.encode()) or bool(once)

    def _of_session(self, handler: SessionHandler) -> Handler:
        """Give a handler the session of the address, if it runs."""

        async def handle(request: web.Request) -> web.StreamResponse:
            session = self.sessions.get(request.match_info["sid"])
            if session is None:
                return pages.page(
                    404, "No such session", "Open the address that pcrcest view printed to begin a session."
                )
            if session.ended:
                return pages.ended(session.reason, session.last_words)
            session.touch()
            return await handler(request, session)

        return handle

    async def _upload(self, request: web.Request, session: Session) -> web.StreamResponse:
        from aiohttp import web

        if "Content-Encoding" in request.headers:
            return web.Response(status=415, text="An upload must be sent as it is, without a Content-Encoding.")
        batch, path = request.query.get("batch", ""), request.query.get("path", "")

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in request.content.iter_any():
                if session.ended:
                    raise UploadError("The session has ended.", 410)
                session.touch()
                yield chunk

        try:
            size = await session.uploads.take(batch, path, chunks(), request.content_length)
        except UploadError as error:
            if session.ended:
                return pages.ended(session.reason, session.last_words)
            return web.Response(status=error.status, text=str(error))
        return web.json_response({"batch": batch, "path": path, "bytes": size})

    async def _download(self, request: web.Request, session: Session) -> web.StreamResponse:
        found = await send_file(request, session.folder / DOWNLOADS, request.match_info["name"])
        # Not its truth: an answer is a mapping, and some versions of aiohttp count what is in it.
        return pages.page(404, "Not found", "There is no such file to download.") if found is None else found

    async def _websocket(self, request: web.Request, session: Session) -> web.StreamResponse:
        return await self._pass_on(
            request, session, "ws", lambda client, base: bridge(request, client, base, session.key, session.touch)
        )

    async def _http(self, request: web.Request, session: Session) -> web.StreamResponse:
        # As it was quoted: the session takes it apart itself.
        path = request.rel_url.raw_path.split("/", 3)[3]
        return await self._pass_on(
            request, session, path, lambda client, base: forward(request, client, base, path, session.key)
        )

    async def _pass_on(
        self,
        request: web.Request,
        session: Session,
        path: str,
        to: Callable[[ClientSession, str], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        from aiohttp import ClientError, web

        if not session.begun.is_set():
            if request.method == "GET" and path in ("", "index.html"):
                return pages.waiting()
            return web.Response(status=503, text="The session is starting.", headers={"Retry-After": "1"})
        assert self._client is not None
        try:
            return await to(self._client, f"http://127.0.0.1:{session.port}")
        except ClientError:
            if session.ended:
                return pages.ended(session.reason, session.last_words)
            return pages.unanswered()


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what no page of ours asks for, and say in a page what is not there."""
    from aiohttp import web

    if _climbs(request.rel_url.raw_path):
        return pages.page(400, "Not a usable address", "The path must not lead out of its folder.")
    is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
    if (is_socket or request.method not in ("GET", "HEAD")) and not _is_same_origin(request):
        return pages.page(403, "Refused", "Only pages of this viewer may send to it.")
    try:
        return await handler(request)
    except ConnectionError:  # the browser has left: nobody reads this
        return web.Response(status=400)
    except web.HTTPNotFound:
        return pages.page(404, "Not found", "There is nothing at this address.")
    except web.HTTPMethodNotAllowed as error:
        return pages.page(error.status, "Refused", f"{request.method} is not possible at this address.")


async def _protect(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _climbs(raw_path: str) -> bool:
    """Whether a path has a part ``..``, however often it is quoted, or a character that some system splits at."""
    path = raw_path
    while (plain := unquote(path)) != path:
        path = plain
    return "\\" in path or "\x00" in path or ".." in path.split("/")


def _is_same_origin(request: web.Request) -> bool:
    """Whether a page of this very address asks; those of others name theirs, and programs that are no browser none.

    Where a proxy speaks HTTPS with the browser, the scheme is its own; it must pass on the host that was asked.
    """
    host = request.headers.get("Host", "").lower()
    return request.headers.get("Origin", "").lower() in (f"http://{host}", f"https://{host}")
