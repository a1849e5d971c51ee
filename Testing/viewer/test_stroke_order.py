"""An edit is made after the strokes that were drawn before it, and before those drawn after it."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from PCrCESTLib.viewer.strokes import PATIENCE_SECONDS, PRESS, RELEASE, StrokeOrder


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_edit_with_nothing_on_its_way_is_made_at_once() -> None:
    order, made = StrokeOrder(), []
    order.do(0, 0, lambda: made.append("switch"))
    assert made == ["switch"]


def test_an_edit_waits_for_the_end_of_a_stroke_that_is_on_its_way() -> None:
    order, made = StrokeOrder(), []
    order.do(1, 1, lambda: made.append("switch"))
    order.on_event(PRESS)
    order.on_event("MouseMove")
    assert not made
    assert order.waiting == 1
    order.on_event(RELEASE)
    assert made == ["switch"]


@given(st.integers(0, 2**32))
def test_strokes_and_edits_come_in_the_order_of_the_hand_however_late_the_strokes_are(seed: int) -> None:
    """The page sends strokes through a slow queue and edits at once; both queues keep their own order."""
    choose = random.Random(seed)
    order, seen = StrokeOrder(), []
    hand = [choose.choice(("stroke", "edit")) for _ in range(choose.randint(1, 12))]
    slow: list[tuple[int, str]] = []
    quick: list[tuple[int, int, int]] = []
    presses = releases = 0
    for number, what in enumerate(hand):
        if what == "stroke":
            slow += [(number, PRESS), (number, RELEASE)]
            presses, releases = presses + 1, releases + 1
        else:
            quick.append((number, presses, releases))
    while slow or quick:
        # An edit may overtake strokes; a stroke cannot be sent before an edit that was made before it.
        may_stroke = slow and not (quick and quick[0][0] < slow[0][0])
        if may_stroke and (not quick or choose.random() < 0.5):
            number, kind = slow.pop(0)
            if kind == RELEASE:
                seen.append(number)
            order.on_event(kind)
        else:
            number, p, r = quick.pop(0)
            order.do(p, r, lambda number=number: seen.append(number))
    assert seen == list(range(len(hand)))


def test_edits_stay_in_order_behind_one_that_waits() -> None:
    order, made = StrokeOrder(), []
    order.do(1, 1, lambda: made.append("first"))
    order.do(0, 0, lambda: made.append("second"))
    assert not made
    order.on_event(PRESS)
    order.on_event(RELEASE)
    assert made == ["first", "second"]


def test_a_lost_stroke_is_not_waited_for_for_ever() -> None:
    clock, made = Clock(), []
    order = StrokeOrder(clock)
    order.do(2, 2, lambda: made.append("switch"))
    clock.now = PATIENCE_SECONDS - 0.1
    order.check()
    assert not made
    order.on_event(PRESS)  # it is only slow
    clock.now += PATIENCE_SECONDS - 0.1
    order.check()
    assert not made
    clock.now += 0.2
    order.check()
    assert made == ["switch"]


def test_a_page_that_is_loaded_again_counts_from_zero() -> None:
    order, made = StrokeOrder(), []
    order.on_event(PRESS)
    order.on_event(RELEASE)
    order.do(2, 2, lambda: made.append("of the old page"))
    order.start_page()
    assert made == ["of the old page"]
    order.do(1, 1, lambda: made.append("of the new page"))
    assert made == ["of the old page"]
