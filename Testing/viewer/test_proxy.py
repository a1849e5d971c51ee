"""What passes between a browser and its session."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json

import numpy as np
import pytest


def told(answer) -> dict:
    assert answer.status == 200, answer.page
    return json.loads(answer.body)


def test_a_request_arrives_as_it_was_sent(talk):
    async def story(visitor):
        place = await visitor.enter()
        body = bytes(range(256)) * 5000
        headers = visitor.origin | {"X-Mine": "yes"}
        address = f"{place}echo/a%20b%2Fc/%C3%A4?q=1&r=%26"
        heard = told(await visitor.ask("POST", address, data=io.BytesIO(body), headers=headers))
        assert heard["method"] == "POST"
        assert heard["path"] == "/echo/a%20b%2Fc/%C3%A4"
        assert heard["query"] == "q=1&r=%26"
        assert heard["headers"]["x-mine"] == "yes"
        assert heard["body"].encode("latin-1") == body

    talk(story)


def test_what_is_compressed_passes_as_it_is(talk):
    async def story(visitor):
        place = await visitor.enter()
        headers = visitor.origin | {"Content-Encoding": "gzip"}
        body = gzip.compress(bytes(10_000))
        answer = await visitor.ask("POST", f"{place}raw", data=body, headers=headers)
        assert answer.status == 200
        assert json.loads(answer.body) == len(body)  # the stand-in counts what came over the line

    talk(story)


def test_what_concerns_only_browser_and_front_is_not_passed_on(talk):
    async def story(visitor):
        place = await visitor.enter()
        private = {"Cookie": "jupyter=secret", "Authorization": "Basic x", "X-PCrCEST-Key": "guess",
                   "Connection": "keep-alive, x-hop", "X-Hop": "1"}  # fmt: skip
        answer = await visitor.get(f"{place}echo/x", headers=private)
        heard = told(answer)["headers"]
        assert not {"cookie", "authorization", "x-hop", "origin"} & set(heard)
        assert heard["x-pcrcest-key"] != "guess"
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Own"] == "kept"

    talk(story)


@pytest.mark.parametrize("told_before", [0, 1])
def test_an_answer_that_breaks_off_is_not_taken_for_whole(talk, told_before):
    async def story(visitor):
        place = await visitor.enter()
        asked = f"{place}big?{'told=1&' * told_before}"
        assert len((await visitor.get(asked)).body) == 3 << 20
        with pytest.raises(visitor.error):
            await visitor.get(f"{asked}broken=1")

    talk(story)


def test_text_and_large_pictures_pass_through_the_websocket(talk):
    async def story(visitor):
        place = await visitor.enter()
        picture = np.random.default_rng(0).bytes(10 << 20)
        async with visitor.socket(place) as ws:
            await ws.send_str("ä µT")
            assert await ws.receive_str() == "ä µT"
            for size in (0, 1, len(picture)):
                await ws.send_bytes(picture[:size])
                assert await ws.receive_bytes() == picture[:size]

    talk(story)


def test_a_picture_is_not_compressed_again(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place, compress=15, protocols=("wamp", "other")) as ws:
            assert not ws.compress
            assert ws.protocol == "wamp"

    talk(story)


def test_the_session_closes_the_browser_with_its_own_code(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place) as ws:
            await ws.send_str("close")
            assert (await ws.receive()).data == 4001

    talk(story)


def test_the_browser_closes_the_session_with_its_own_code(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place) as ws:
            await ws.close(code=4002)

        async def codes():
            return told(await visitor.get(f"{place}codes"))

        assert await visitor.until(codes) == [4002]

    talk(story)


def test_a_browser_that_leaves_without_a_word_closes_the_session(talk):
    async def story(visitor):
        place = await visitor.enter()
        host, port = visitor.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"GET {place}ws HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {visitor.base}\r\nUpgrade: websocket\r\n"
        key = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        writer.write((head + key).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(b"\x88\x80abcd")  # a frame that closes, masked, without a code
        await reader.read()
        writer.close()

        async def codes():
            return told(await visitor.get(f"{place}codes"))

        assert await visitor.until(codes) == [1001]

    talk(story)


def test_a_message_above_64_mib_closes_the_connection_and_says_why(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place) as ws:
            closed = asyncio.create_task(ws.receive())
            with contextlib.suppress(ConnectionError):  # it closes before all has been sent
                await ws.send_bytes(bytes((64 << 20) + 1))
            assert (await closed).data == 1009
        assert (await visitor.get(f"{place}index.html")).status == 200

    talk(story)


def test_a_session_that_dies_closes_the_connection(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place) as ws:
            await ws.send_str("exit")
            assert (await ws.receive()).data == 1001
        await visitor.ended(place)

    talk(story)


def test_two_pages_of_a_session_talk_at_once(talk):
    async def story(visitor):
        place = await visitor.enter()
        async with visitor.socket(place) as one, visitor.socket(place) as two:
            await asyncio.gather(one.send_str("one"), two.send_str("two"))
            assert await asyncio.gather(one.receive_str(), two.receive_str()) == ["one", "two"]

    talk(story)
