"""What people read: harmless, within Slack's limits, and mentioning only who is to be mentioned."""

import json
import re
from datetime import timedelta
from itertools import count
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import Message
from bot.effects import (
    CallDriver,
    Effect,
    RemindIdle,
    SayInRoom,
    ToCard,
    ToDriver,
    ToRoom,
    destination,
    drivers_in,
)
from bot.events import Asker, JoinRequested
from bot.messages import (
    Reader,
    answer,
    duration,
    render,
    store_unavailable,
    text,
    trouble,
    unconfirmed,
    words,
)
from bot.replies import HelpText, Joined, Listing, PortsListing, Reply, board
from bot.rules import Rules
from chargepoint.events import PortStatus
from playground.slack.blocks import message_problems, too_long
from tests.story import ADA, EAST, GRACE, NINE, WEST, ZONE, Story, name, reading
from tests.strategies import any_of, structs

NAMES = {ADA: "Ada <!channel> *Lovelace*", GRACE: "Grace `_~ <https://evil.example|click>"}
READER = Reader(now=NINE, zone=ZONE, rules=Rules(), names=NAMES)

MENTION = re.compile(r"<@([^>]*)>")
# What Slack acts on: mentions of all, links and dates; only mentions and dates are ours.
ACTIVE = re.compile(r"<(?!@[^<>|]*>|!date\^-?\d+\^\{time\}\|\d\d:\d\d>)")


# Drivers are known by what Slack calls them; everything else may be anything.
DRIVERS = st.from_regex(r"[UW][A-Z0-9]{2,10}", fullmatch=True)


def of_drivers(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Answer effects of this kind."""
    hint = get_type_hints(kind).get("driver")
    if hint is None:
        return structs(kind)
    return structs(kind, driver=DRIVERS if hint is str else DRIVERS | st.none())


EFFECTS = st.one_of([of_drivers(kind) for kind in get_args(Effect)])


def everything(message: Message) -> str:
    """Answer all text of a message."""
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


@pytest.mark.parametrize("kind", get_args(Effect) + get_args(Reply))
def test_every_effect_and_every_reply_has_words_of_its_own(kind: type[Effect | Reply]) -> None:
    """What nobody found words for would be a trouble of ours in the middle of the room."""
    assert words.dispatch(kind) is not words.dispatch(object)


@given(EFFECTS)
def test_every_effect_has_words_that_slack_takes(effect: Effect) -> None:
    assert_fit(render(effect, READER))


@given(any_of(Reply))
def test_every_reply_has_words_that_slack_takes(reply: Reply) -> None:
    assert_fit(answer(reply, READER))


def assert_fit(message: Message) -> None:
    """Check that Slack takes the message and that nothing from outside does anything in it."""
    assert message.text.strip()
    assert message_problems(list(message.blocks)) == []
    assert not too_long(list(message.blocks))
    assert not ACTIVE.search(everything(message))


@given(st.text(max_size=300))
def test_text_from_outside_can_do_nothing(outside: str) -> None:
    shown = text(outside)
    assert not re.search(r"[<>\n]|&(?!amp;|lt;|gt;)", shown)
    assert not re.search("`|(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])", shown)


def test_a_call_mentions_its_driver_and_nobody_else() -> None:
    message = render(CallDriver(offer=1, driver=ADA, port="EAST <@U0GRACE>"), READER)

    assert MENTION.findall(message.text) == [ADA]
    assert "&lt;@U0GRACE&gt;" in message.text


def test_a_call_tells_the_deadline_in_the_readers_own_time() -> None:
    message = render(CallDriver(offer=1, driver=ADA, port=name(EAST)), READER)

    deadline = NINE + timedelta(minutes=10)
    assert f"<!date^{int(deadline.timestamp())}^{{time}}|09:10>" in message.text


def test_a_listing_pings_nobody_and_cannot_be_forged() -> None:
    """A list must not ping thirty people, whatever they call themselves."""
    story = Story(stations=(EAST,))
    story.says(ADA, "add")
    story.says(GRACE, "add")

    shown = everything(answer(Listing(asker=ADA, board=board(story.site)), READER))

    assert not MENTION.search(shown)
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt;" in shown


def test_a_listing_shows_who_is_called_who_is_suspended_and_the_askers_own_place() -> None:
    story = Story(stations=(EAST,))
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.says(GRACE, "suspend")
    reader = Reader(now=NINE, zone=ZONE, rules=Rules(), names={ADA: "Ada", GRACE: "Grace"})

    said = answer(Listing(asker=GRACE, board=board(story.site)), reader).text

    assert "1. Ada (called to HQ GARAGE / EAST)" in said
    assert "2. Grace (suspended)" in said
    assert "You are at place 2." in said
    assert "*HQ GARAGE / EAST*: held for Ada until" in said


def test_a_public_listing_has_no_place_of_its_own() -> None:
    story = Story()
    story.says(ADA, "add")

    assert "You are" not in answer(Joined(driver=ADA, board=board(story.site)), READER).text


def test_status_says_how_long_each_car_has_been_there_and_how_fresh_that_is() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    story.online = False
    story.later(minutes=90)
    reader = Reader(now=story.now, zone=ZONE, rules=Rules(), names={})

    said = answer(PortsListing(board=board(story.site)), reader).text

    assert "somebody I don't know, since" in said
    assert "1 h 30 min" in said
    assert "(as of 1 h 30 min ago)" in said


def test_a_start_that_is_not_known_is_at_least_since() -> None:
    story = Story(stations=(EAST,))
    story.reads(reading(EAST), reading(WEST, PortStatus.INUSE))

    said = answer(Listing(asker=ADA, board=board(story.site)), READER).text

    assert "somebody I don't know, at least since" in said


def test_help_shows_every_command() -> None:
    said = answer(HelpText(), READER).text

    for word in ("add", "remove", "suspend 45", "resume", "next", "list", "status", "register"):
        assert f"`/ev {word}" in said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "less than a minute"), (1, "1 min"), (59, "59 min"), (60, "1 h"), (150, "2 h 30 min")],
)
def test_durations_are_told_as_people_do(minutes: int, said: str) -> None:
    assert duration(timedelta(minutes=minutes)) == said


def test_trouble_is_told_in_plain_words_with_a_reference() -> None:
    assert "1-abc" in trouble("1-abc").text
    assert "nothing was changed" in store_unavailable("1-abc").text
    assert "couldn't confirm" in unconfirmed("add").text
    assert "`ev list`" in unconfirmed("add").text


def test_a_queue_of_three_hundred_still_fits() -> None:
    story = Story()
    for number in count(1):
        story.happens(JoinRequested(asker=Asker(driver=f"U{number:09d}")))
        if number == 300:
            break

    assert_fit(answer(Joined(driver=ADA, board=board(story.site)), READER))


def test_everybody_whom_a_message_names_is_looked_up() -> None:
    """A name that was not looked up is shown as an ID, which nobody can read."""
    story = Story(stations=(EAST,))
    story.says(ADA, "add")
    story.says(GRACE, "add")
    joined = Joined(driver=GRACE, board=board(story.site))

    assert drivers_in(SayInRoom(reply=joined)) == {ADA, GRACE}


@given(EFFECTS)
def test_every_effect_has_a_destination(effect: Effect) -> None:
    match destination(effect):
        case ToDriver(driver=driver):
            assert driver in drivers_in(effect)
        case ToRoom(card=card) | ToCard(card=card):
            assert card is None or card


def test_an_idle_port_is_told_by_name_and_time() -> None:
    message = render(RemindIdle(port=name(EAST), since=NINE - timedelta(minutes=10)), READER)

    assert "*HQ GARAGE / EAST* has been free for 10 min" in message.text
