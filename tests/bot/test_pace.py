"""A conversation is spoken to no faster than Slack takes it, and rests where Slack says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SlackMisconfigured, SlackUnavailable
from bot.pace import BURST, Pace
from bot.patience import Patience

LIMITED = SlackUnavailable("chat.postMessage", "ratelimited", retry_after=30, obeyed=False)
DOWN = SlackUnavailable("chat.postMessage", "HTTP 503")


@pytest.fixture
def pace() -> Pace:
    return Pace(Patience(pace=1.0, first_retry=1.0))


def test_a_few_messages_may_come_at_once_and_then_one_a_second(pace: Pace) -> None:
    for _ in range(BURST):
        assert pace.wait("room", now=0) == 0
        pace.spoke("room", now=0)

    assert pace.wait("room", now=0) == pytest.approx(1)
    assert pace.wait("room", now=1) == 0
    assert pace.wait("a driver", now=0) == 0


@given(st.lists(st.floats(0, 3), max_size=40))
def test_it_is_never_faster_than_slack_allows(pauses: list[float]) -> None:
    pace, now, spoken = Pace(Patience(pace=1.0)), 0.0, [float("-inf")] * BURST
    for pause in pauses:
        now += pause + pace.wait("room", now=now + pause)
        pace.spoke("room", now=now)
        spoken.append(now)

    for before, after in zip(spoken, spoken[BURST:], strict=False):
        assert after - before >= 1 - 1e-6


def test_slacks_own_wish_is_kept_to_and_holds_up_nobody_else(pace: Pace) -> None:
    pace.failed("room", LIMITED, now=0)

    assert pace.wait("room", now=0) == 30
    assert pace.wait("room", now=30) == 0
    assert pace.wait("a driver", now=0) == 0


def test_the_pauses_after_failures_grow_to_half_a_minute_until_it_speaks_again(
    pace: Pace,
) -> None:
    pauses = []
    for failures in range(1, 8):
        assert pace.failed("room", DOWN, now=0) == failures
        pauses.append(pace.wait("room", now=0))
    assert pauses == [1, 2, 4, 8, 16, 30, 30]

    pace.spoke("room", now=60)
    assert pace.failed("room", DOWN, now=60) == 1


def test_the_first_trouble_is_named_until_nothing_is_left_to_say_there(pace: Pace) -> None:
    assert pace.problem is None
    refused = SlackMisconfigured("chat.postMessage", "not_in_channel")
    pace.failed("room", refused, now=0)
    pace.failed("a driver", DOWN, now=0)
    assert pace.problem is refused
    assert pace.is_troubled("room")

    pace.keep_only({"a driver"})

    assert pace.problem is DOWN
    pace.keep_only(set())
    assert pace.problem is None
