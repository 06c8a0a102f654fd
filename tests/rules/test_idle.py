"""Rule 7: a port that stands idle."""

from collections.abc import Callable

import pytest

from bot.effects import AnnounceFree, RemindIdle
from bot.messages import Reader, render
from chargepoint.events import PortStatus
from tests.story import ADA, EAST, HEDY, RULES, WEST, ZONE, Story, name


def test_7a_a_port_free_for_ten_minutes_is_mentioned(story: Story) -> None:
    story.plugs_out(EAST)
    freed = story.now
    assert story.later(minutes=9, seconds=59) == ()

    effects = story.later(seconds=1)

    assert effects == (RemindIdle(port=name(EAST), since=freed),)
    reader = Reader(now=story.now, zone=ZONE, rules=RULES, names={})
    said = render(effects[0], reader).text
    assert "*HQ GARAGE / EAST* has been free for 10 min" in said
    assert "Precious charging time is being wasted!" in said


def test_7a_not_with_a_live_offer_on_it(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.presses(ADA, "on my way")

    assert story.later(minutes=14) == ()


def test_7a_not_while_it_is_held_back(story: Story) -> None:
    story.plugs_out(EAST)
    story.says(HEDY, "pause east", admin=True)

    assert story.later(hours=2) == ()


ENDS: dict[str, Callable[[Story], object]] = {
    "leave the queue": lambda story: story.presses(ADA, "leave the queue"),
    "until": lambda story: (story.says(ADA, "add until 9:08"), story.at("09:08")),
    "no answer": lambda story: story.later(minutes=4),
    "not now": lambda story: story.presses(ADA, "not now"),
    "remove": lambda story: story.says(ADA, "remove"),
    "remove oneself": lambda story: story.says(ADA, f"remove <@{ADA}>"),
    "remove another": lambda story: story.says(HEDY, f"remove <@{ADA}>", admin=True),
    "suspend": lambda story: story.says(ADA, "suspend"),
    "next": lambda story: story.says(HEDY, "next", admin=True),
    "forget me": lambda story: story.presses(ADA, "forget me", 0),
    "elsewhere": lambda story: story.plugs_in("NORTH", "700101"),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_7b_the_time_counts_from_the_end_of_the_last_offer(
    ends: Callable[[Story], object],
) -> None:
    story = Story(stations=(EAST, "NORTH"))
    story.plugs_in("NORTH", "600001")
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.later(minutes=6)
    ends(story)
    ended = story.now

    assert story.later(minutes=9, seconds=59) == ()
    assert story.later(seconds=1) == (RemindIdle(port=name(EAST), since=ended),)


def test_7b_the_time_counts_from_the_plug_out(story: Story) -> None:
    story.later(minutes=60)
    story.plugs_out(WEST)
    freed = story.now

    assert story.later(minutes=10) == (RemindIdle(port=name(WEST), since=freed),)


def test_7c_once_in_an_idle_period(story: Story) -> None:
    story.plugs_out(EAST)
    story.later(minutes=10)

    assert story.later(minutes=120) == ()


def test_7c_once_in_the_next_one_too(story: Story) -> None:
    story.plugs_out(EAST)
    story.later(minutes=10)
    story.plugs_in(EAST, "600003")

    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)
    assert len(story.later(minutes=120)) == 1


def test_7c_a_station_that_comes_and_goes_begins_no_new_one(story: Story) -> None:
    """A bad connection is no reason to remind the room again and again."""
    story.plugs_out(EAST)
    story.later(minutes=10)
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.reports(EAST, PortStatus.AVAILABLE) == ()
    assert story.later(minutes=30) == ()


def test_7c_whether_or_not_anyone_waits(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")
    story.plugs_out(EAST)

    assert len(story.later(minutes=10)) == 1
