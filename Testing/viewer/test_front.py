"""Who may ask the front for what."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest


def test_the_token_opens_a_session_of_its_own(talk):
    async def story(visitor):
        place = await visitor.enter()
        assert re.fullmatch(r"/s/[A-Za-z0-9_-]{43}/", place)
        assert (await visitor.get(place)).headers["Location"] == "index.html"  # relative: the prefix stays
        assert (await visitor.get(place[:-1])).headers["Location"] == place
        other = await visitor.enter()
        assert (await visitor.get(f"{place}index.html")).page != (await visitor.get(f"{other}index.html")).page

    talk(story)


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%C3%A4", "?token=%ED%A0%80", "?tokens=x"])
def test_without_the_right_token_nothing_begins(talk, query):
    async def story(visitor):
        answer = await visitor.get(f"/{query}")
        assert answer.status == 403
        assert "Open the whole address that pcrcest view printed" in answer.page
        assert list(visitor.folder.iterdir()) == []

    talk(story)


def test_a_token_that_others_may_see_begins_one_session_only(talk):
    async def story(visitor):
        token = visitor.front.one_time_token()
        assert (await visitor.get(f"/?token={token}")).status == 302
        assert (await visitor.get(f"/?token={token}")).status == 403
        assert len(list(visitor.folder.iterdir())) == 1

    talk(story)


@pytest.mark.parametrize(("method", "headers"), [("HEAD", {}), ("GET", {"Sec-Purpose": "prefetch;prerender"})])
def test_a_look_at_the_address_ahead_of_time_begins_no_session(talk, method, headers):
    async def story(visitor):
        answer = await visitor.ask(method, f"/?token={visitor.front.token}", headers=headers)
        assert answer.status in (405, 503)
        assert list(visitor.folder.iterdir()) == []

    talk(story)


def test_every_answer_keeps_other_pages_and_caches_out(talk):
    async def story(visitor):
        place = await visitor.enter()
        addresses = ["/", "/nothing", f"{place}index.html", f"{place}nothing", f"{place}download/x", "/s/x/"]
        for address in [*addresses, f"/?token={visitor.front.token}"]:
            headers = (await visitor.get(address)).headers
            assert headers["Referrer-Policy"] == "no-referrer", address
            assert headers["Cache-Control"] == "no-store", address
            assert headers["X-Content-Type-Options"] == "nosniff", address
            assert headers["X-Frame-Options"] == "DENY", address

    talk(story)


def test_a_session_that_nobody_began_is_not_there(talk):
    async def story(visitor):
        for address in ("/s/x/", f"/s/{'A' * 43}/index.html", "/s/x/ws", "/s/x/download/a", "/s//index.html"):
            answer = await visitor.get(address)
            assert answer.status == 404, address
            assert "<h1>" in answer.page
        answer = await visitor.upload("/s/x/", "a")
        assert answer.status == 404

    talk(story)


PATHS = ["../{other}/index.html", "%2e%2e/{other}/index.html", "..%2f{other}/index.html", "%2e%2e%2f",
         "%252e%252e%252f", "..%5c", "a/../../{other}/echo/x", "a/%00", "download/../index.html",
         "download/..%2fuploads"]  # fmt: skip


def test_no_address_leads_out_of_its_session(talk):
    async def story(visitor):
        place, other = await visitor.enter(), await visitor.enter()
        for path in PATHS:
            asked = place + path.format(other=other.split("/")[2])
            answer = await visitor.raw(f"GET {asked} HTTP/1.1")
            assert answer.startswith("HTTP/1.1 400 "), asked
            assert "must not lead out of its folder" in answer

    talk(story)


@pytest.mark.parametrize("target", ["/etc/passwd", "//etc/passwd", "/../etc/passwd", "http://127.0.0.1/etc/passwd"])
def test_an_absolute_path_is_no_address(talk, target):
    async def story(visitor):
        answer = await visitor.raw(f"GET {target} HTTP/1.1")
        assert re.match(r"HTTP/1.1 40[04] ", answer), answer
        assert "root:" not in answer

    talk(story)


def test_a_session_takes_no_requests_but_those_of_the_front(talk):
    async def story(visitor):
        from aiohttp import ClientSession

        place, other = await visitor.enter(), await visitor.enter()
        told = (await visitor.get(f"{place}echo/x")).headers, (await visitor.get(f"{place}echo/x")).page
        key = re.search(r'"x-pcrcest-key": "([^"]+)"', told[1]).group(1)
        assert key not in str(told[0])
        host = re.search(r'"host": "([^"]+)"', (await visitor.get(f"{other}echo/x")).page).group(1)
        async with ClientSession() as client:
            for headers in ({}, {"X-PCrCEST-Key": key}):  # none, and that of another session
                async with client.get(f"http://{host}/index.html", headers=headers) as answer:
                    assert answer.status == 403

    talk(story)


ELSEWHERE = [{}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "http://127.0.0.1"},
             {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://["}]  # fmt: skip


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip


def test_pages_of_others_cannot_send_anything(talk):
    async def story(visitor):
        place = await visitor.enter()
        for headers in ELSEWHERE:
            upload = await visitor.ask("POST", f"{place}upload?batch=b&path=a", data=b"x", headers=headers)
            post = await visitor.ask("POST", f"{place}echo/x", data=b"x", headers=headers)
            ws = await visitor.get(f"{place}ws", headers=headers | UPGRADE)
            assert [upload.status, post.status, ws.status] == [403] * 3, headers
            assert "Only pages of this viewer may send to it" in upload.page
        assert (await visitor.get(f"{place}files")).page == "{}"

    talk(story)


def test_a_proxy_with_https_is_the_same_origin(talk):
    async def story(visitor):
        place = await visitor.enter()
        headers = {"Host": "viewer.example", "Origin": "https://Viewer.example"}
        assert (await visitor.ask("POST", f"{place}echo/x", data=b"x", headers=headers)).status == 200

    talk(story)


def test_other_methods_are_refused(talk):
    async def story(visitor):
        place = await visitor.enter()
        for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
            assert (await visitor.ask(method, f"{place}echo/x", headers=visitor.origin)).status == 405, method

    talk(story)


def test_a_session_that_starts_shows_a_page_that_asks_again(talk):
    async def story(visitor):
        place = (await visitor.get(f"/?token={visitor.front.token}")).headers["Location"]
        answer = await visitor.get(place)
        assert answer.status == 200
        assert 'http-equiv="refresh" content="1"' in answer.page
        assert (await visitor.get(f"{place}main.js")).status == 503

    talk(story, mode="silent")


def test_a_page_of_a_session_that_does_not_answer_asks_again(talk):
    """So does one that is asked for between the death of a session and its discovery."""

    async def story(visitor):
        place = await visitor.enter()
        await visitor.get(f"{place}act?do=deaf")
        answer = await visitor.get(f"{place}index.html")
        assert answer.status == 502
        assert 'http-equiv="refresh" content="1"' in answer.page

    talk(story)


def test_the_front_answers_others_while_one_is_slow(talk):
    async def story(visitor):
        place = await visitor.enter()
        host, port = visitor.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\n")  # and nothing more
            assert (await asyncio.wait_for(visitor.get(f"{place}index.html"), 5)).status == 200

    talk(story)
