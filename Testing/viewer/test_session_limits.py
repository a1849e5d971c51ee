"""How sessions end, and that nothing is left of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from PCrCESTLib.viewer.processes import all_processes, family

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_session_that_dies_says_so_with_its_last_lines(talk):
    async def story(visitor):
        place = await visitor.enter()
        page = await visitor.exit(place, 7, "out of <luck>")
        assert "Its process ended by itself (exit code 7)." in page
        assert "out of &lt;luck&gt;" in page
        assert "<luck>" not in page
        assert "open the address that <code>pcrcest view</code> printed" in page
        assert (await visitor.upload(place, "a")).status == 410
        assert (await visitor.get(f"{place}download/a")).status == 410

    talk(story)


def test_a_crash_is_called_by_its_name(talk):
    async def story(visitor):
        place = await visitor.enter()
        os.kill(await visitor.pid(place), signal.SIGSEGV)
        assert "Its process ended by itself (segmentation fault)." in await visitor.ended(place)

    talk(story)


def test_a_session_leads_a_group_of_its_own(talk):
    """Ctrl-C at the terminal reaches the front alone, and a signal to the group reaches all of the session."""

    async def story(visitor):
        pid = await visitor.pid(await visitor.enter())
        assert os.getpgid(pid) == pid != os.getpgrp()

    talk(story)


def test_what_a_session_writes_for_a_while_lies_in_its_own_folder(talk):
    async def story(visitor):
        place = await visitor.enter()
        (folder,) = visitor.folder.iterdir()
        assert json.loads((await visitor.get(f"{place}echo/x")).page)["temporary"] == str(folder / "temporary")
        assert (folder / "temporary").stat().st_mode & 0o077 == 0

    talk(story)


def test_a_session_that_ends_well_keeps_what_it_printed_for_itself(talk):
    async def story(visitor):
        place = await visitor.enter()
        page = await visitor.exit(place, 0, "bye")
        assert "It was closed." in page
        assert "bye" not in page

    talk(story)


def test_a_session_that_cannot_start_says_why(talk):
    async def story(visitor):
        place = (await visitor.get(f"/?token={visitor.front.token}")).headers["Location"]
        page = await visitor.ended(place)
        assert "exit code 5" in page
        assert "&lt;b&gt;no&lt;/b&gt; library libGL.so.1" in page

    talk(story, mode="fails")


def test_a_program_that_is_not_there_is_told(talk):
    async def story(visitor):
        place = (await visitor.get(f"/?token={visitor.front.token}")).headers["Location"]
        assert "Its process could not be started" in await visitor.ended(place)

    talk(story, command=["/nothing/here"])


def test_a_session_that_does_not_answer_in_time_is_ended(talk):
    async def story(visitor):
        place = (await visitor.get(f"/?token={visitor.front.token}")).headers["Location"]
        assert "It did not start within 0.3 seconds." in await visitor.ended(place)

    talk(story, mode="silent", start_s=0.3)


def test_a_session_that_nobody_uses_is_ended(talk):
    async def story(visitor):
        place = await visitor.enter()
        pid = await visitor.pid(place)
        assert "It was not used for 0.01 minutes (--idle-minutes)." in await visitor.ended(place, quietly=True)
        assert not visitor.is_running(pid)

    talk(story, idle_s=0.6)


def test_messages_keep_a_session_alive(talk):
    async def story(visitor):
        place = await visitor.enter()
        loop = asyncio.get_running_loop()
        async with visitor.socket(place) as ws:
            begun = loop.time()
            while loop.time() - begun < 1.6:
                await ws.send_str("here")
                await ws.receive_str()
                await asyncio.sleep(0.05)
        assert (await visitor.get(f"{place}index.html")).status == 200

    talk(story, idle_s=1.0)


def test_requests_keep_a_session_alive(talk):
    async def story(visitor):
        place = await visitor.enter()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while loop.time() - begun < 1.6:
            assert (await visitor.get(f"{place}download/none")).status == 404
            await asyncio.sleep(0.05)
        assert (await visitor.get(f"{place}index.html")).status == 200

    talk(story, idle_s=1.0)


@linux
def test_a_session_that_holds_too_much_memory_is_ended(talk):
    async def story(visitor):
        place, other = await visitor.enter(), await visitor.enter()
        pid = await visitor.pid(place)
        await visitor.get(f"{place}act?do=leak&bytes={200 << 20}")
        page = await visitor.ended(place)
        assert "0.2 GiB are allowed (--memory-gib)" in page
        assert not visitor.is_running(pid)
        assert (await visitor.get(f"{other}index.html")).status == 200

    talk(story, memory_bytes=200 << 20)


@linux
def test_the_memory_of_jobs_counts(talk):
    async def story(visitor):
        place = await visitor.enter()
        pid = await visitor.pid(place)
        alone = sum(p.resident_bytes for p in family(pid, all_processes()))
        child = int((await visitor.get(f"{place}act?do=child")).page)
        found = family(pid, all_processes())
        assert {p.pid for p in found} == {pid, child}
        assert sum(p.resident_bytes for p in found) > alone
        assert alone > 10 << 20

    talk(story)


@linux
@pytest.mark.parametrize("mode", ["", "stubborn"])
def test_the_end_takes_jobs_along_whatever_group_they_are_in(talk, mode):
    async def story(visitor):
        place = await visitor.enter()
        visitor.pids = await visitor.pid(place), int((await visitor.get(f"{place}act?do=child")).page)
        assert all(map(visitor.is_running, visitor.pids))
        seen.append(visitor)

    seen: list = []
    talk(story, mode=mode, stop_s=0.3)
    assert not any(map(seen[0].is_running, seen[0].pids))


@linux
def test_a_job_does_not_outlive_a_session_that_dies(talk):
    async def story(visitor):
        place = await visitor.enter()
        child = int((await visitor.get(f"{place}act?do=child")).page)
        session = visitor.session(place)
        await visitor.until(lambda: child in {process.pid for process in session.process.known})
        await visitor.exit(place, 9)
        await visitor.until(lambda: not visitor.is_running(child))

    talk(story)


def test_one_session_more_than_allowed_waits_for_an_end(talk):
    async def story(visitor):
        place = await visitor.enter()
        await visitor.enter()
        answer = await visitor.get(f"/?token={visitor.front.token}")
        assert answer.status == 503
        assert "2 sessions run here already, as many as are allowed (--sessions)." in answer.page
        await visitor.exit(place, 0)
        await visitor.until(lambda: len(list(visitor.folder.iterdir())) == 1)
        await visitor.enter()

    talk(story, sessions=2)


def test_a_session_ended_before_it_has_started_leaves_no_process(talk):
    async def story(visitor):
        session = visitor.front.sessions.begin()
        await session.end("A test.")
        assert not visitor.is_running(session.process.pid)
        assert "A test." in await visitor.ended(f"/s/{session.sid}/")

    talk(story)
