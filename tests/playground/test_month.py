"""The month is run by the real rules, and comes out the same for the same people."""

from datetime import date
from random import Random

import pytest

from playground.month.first_come import first_come
from playground.month.people import Rates, Visit, visits
from playground.month.picture import picture
from playground.month.tally import Tally
from playground.month.with_bot import with_bot

PORTS = 3


@pytest.fixture(scope="module")
def week() -> tuple[Visit, ...]:
    """Make up a week of twelve drivers."""
    return visits(date(2026, 3, 2), 3, 12, Rates(), Random(7))


def test_the_same_people_make_the_same_month(week: tuple[Visit, ...]) -> None:
    assert with_bot(week, PORTS).rows() == with_bot(week, PORTS).rows()


def test_nobody_is_served_twice_or_before_they_came(week: tuple[Visit, ...]) -> None:
    for tally in (with_bot(week, PORTS), first_come(week, PORTS, Random(1))):
        assert len(tally.waits) <= tally.visits == len(week)
        assert min(tally.waits).total_seconds() >= 0


def test_where_everybody_answers_the_bot_lets_nobody_be_overtaken_or_walk_in_vain() -> None:
    """What is left of injustice comes of those who don't answer, and of queue jumpers."""
    kind = Rates(no_show=0, not_now=0, jumps=0)
    week = visits(date(2026, 3, 2), 3, 12, kind, Random(7))

    tally = with_bot(week, PORTS)

    assert (tally.missed, tally.walks_in_vain) == (0, 0)
    assert overtaken_before_the_walk(tally) == 0


def overtaken_before_the_walk(tally: Tally) -> int:
    """Count those overtaken by more than a walk to the garage, which takes some longer."""
    return sum(
        any(
            arrived < later < plugged_in and (plugged_in - at).total_seconds() > 15 * 60
            for later, at in tally.services
        )
        for arrived, plugged_in in tally.services
    )


def test_the_picture_shows_both(week: tuple[Visit, ...]) -> None:
    drawn = picture(with_bot(week, PORTS), first_come(week, PORTS, Random(1)))

    assert drawn.startswith("<svg")
    assert "with the bot" in drawn
    assert "first come" in drawn
