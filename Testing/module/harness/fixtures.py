"""pytest fixtures: ``from harness.fixtures import harness, lenient_harness  # noqa: F401``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .journal import JOURNAL
from .refcounts import top_up
from .session import Session, bootstrap


class Harness:
    """What a test uses: the session, the journal, and how to load the module."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.load_module = session.load_module
        self.journal = JOURNAL
        self.answer = JOURNAL.answer
        self.texts = JOURNAL.texts

    def __getattr__(self, name: str) -> object:
        return getattr(JOURNAL, name)

    def process_events(self) -> None:
        """Let Qt deliver what is waiting."""
        top_up()
        self.session.qt_application.processEvents()


def _run() -> Iterator[Harness]:
    session = bootstrap()
    session.activate()
    JOURNAL.clear()
    session.sample_data.registered.clear()
    try:
        session.reset_scene()
        yield Harness(session)
        session.unload()
        session.reset_scene()
    finally:
        session.loaded = []
        session.deactivate()


@pytest.fixture
def lenient_harness() -> Iterator[Harness]:
    """A running Slicer stand-in; failed connections and errors in slots are for the test to look at."""
    yield from _run()


@pytest.fixture
def harness() -> Iterator[Harness]:
    """A running Slicer stand-in; the test fails if a connection failed or a slot raised."""
    yield from _run()
    JOURNAL.assert_clean()
