"""Who may ask the front for what."""

from __future__ import annotations

import re

import pytest


def test_the_token_opens_a_session_of_its_own(talk):
    async def story(visitor):
        place = await visitor.enter()
        assert re.fullmatch(r"/s/[A-Za-z0-9_-]{43}/", place)
        assert (await visitor.get(place)).headers["Location"] == "index.html"  # relative: the prefix stays
        assert (await visitor.get(place[:-1])).headers["Location"] == place
        assert await visitor.enter() != place

    talk(story)


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%C3%A4", "?tokens=x"])
def test_without_the_right_token_nothing_begins(talk, query):
    async def story(visitor):
        answer = await visitor.get(f"/{query}")
        assert answer.status == 403
        assert "Open the whole address that pcrcest view printed" in answer.page
        assert list(visitor.folder.iterdir()) == []

    talk(story)
