"""Rule 1: a plug-out, and the offer that follows."""

from datetime import timedelta

from bot.effects import (
    AnnounceFree,
    CallDriver,
    CallOutcome,
    TellCalled,
    ToDriver,
    ToRoom,
    UpdateCall,
    destination,
)
from bot.events import CardPosted
from bot.messages import Reader, render
from bot.rules import Rules
from chargepoint.events import PortStatus
from queue_store.site import Because
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, RULES, WEST, ZONE, Story, name


def test_1a_a_port_is_free_when_its_status_says_so(story: Story) -> None:
    story.joins(ADA)

    assert story.reports(EAST, PortStatus.UNREACHABLE) == ()
    assert story.reports(EAST, PortStatus.INUSE) == ()
    assert story.called == []
    story.reports(EAST, PortStatus.AVAILABLE)
    assert story.called == [ADA]


def test_1a_a_sessions_stop_alone_prompts_a_look(story: Story) -> None:
    story.joins(ADA)

    stopped = story.stops(EAST, "4001")

    assert (stopped.look, stopped.effects) == (True, ())
    assert story.session(EAST).number == 1
    assert story.called == []


def test_1b_the_first_driver_is_called_in_the_room(story: Story) -> None:
    story.joins(ADA, GRACE)

    effects = story.plugs_out(EAST)

    assert effects == (CallDriver(offer=3, driver=ADA, port=name(EAST)),)
    assert destination(effects[0]) == ToRoom("offer-3")
    assert story.site.offers[0].deadline == story.after(minutes=10)


def test_1b_the_message_mentions_the_driver_and_has_the_deadline_and_buttons() -> None:
    reader = Reader(now=NINE, zone=ZONE, rules=RULES, names={})

    message = render(CallDriver(offer=3, driver=ADA, port=name(EAST)), reader)

    assert f"<@{ADA}>" in message.text
    assert f"<!date^{int((NINE + RULES.offer).timestamp())}^{{time}}|09:10>" in message.text
    labels = [button["text"]["text"] for button in message.blocks[-1]["elements"]]
    assert labels == ["On my way", "Not now", "Can't use it", "Leave the queue"]


def test_1b_who_is_suspended_or_called_already_is_passed_over(story: Story) -> None:
    story.joins(ADA, GRACE, ALAN)
    story.says(GRACE, "suspend")

    story.plugs_out(EAST)
    story.plugs_out(WEST)

    assert story.called == [ADA, ALAN]


def test_1c_the_called_driver_gets_a_private_message_too(story: Story) -> None:
    story.posts = False
    story.joins(ADA)
    story.plugs_out(EAST)

    told = story.happens(CardPosted(card="offer-3", at=story.now))

    assert told == (TellCalled(driver=ADA, port=name(EAST), deadline=story.after(minutes=10)),)
    assert destination(told[0]) == ToDriver(ADA)


def test_1d_as_many_drivers_are_called_as_ports_are_free() -> None:
    story = Story(stations=(EAST, WEST, "NORTH"))
    for station in (EAST, WEST, "NORTH"):
        story.plugs_in(station, f"60{station[-1]}")
    story.joins(ADA, GRACE, ALAN, HEDY)

    for station in (WEST, "NORTH"):
        story.plugs_out(station)

    assert story.called == [ADA, GRACE]
    ports = {offer.port: offer.driver for offer in story.site.offers}
    assert ports == {f"{WEST}/1": ADA, "NORTH/1": GRACE}


def test_1e_with_nobody_waiting_the_room_hears_that_the_port_is_free(story: Story) -> None:
    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)


def test_1e_with_everybody_suspended_too(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")

    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)


def test_1f_on_my_way_gives_fifteen_minutes(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.later(minutes=9)

    effects = story.presses(ADA, "on my way")

    deadline = story.after(minutes=15)
    accepted = CallOutcome.ACCEPTED
    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=accepted, deadline=deadline),
    )
    assert story.later(minutes=14, seconds=59) == ()
    assert story.called == [ADA]
    story.later(seconds=1)
    assert story.called == []


def test_1f_on_my_way_twice_gives_them_once(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.presses(ADA, "on my way")
    deadline = story.site.offers[0].deadline
    story.later(minutes=5)

    assert story.presses(ADA, "on my way") == ()
    assert story.site.offers[0].deadline == deadline


def test_1f_not_now_suspends_for_half_an_hour_with_the_place_kept(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    effects = story.presses(ADA, "not now")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.NOT_NOW),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )
    assert story.queue == [ADA, GRACE]
    assert story.entry(ADA).suspended is Because.NOT_NOW
    assert story.entry(ADA).resumes == story.after(minutes=30)
    assert story.site.misses == {}


def test_1f_leave_the_queue_leaves(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)

    effects = story.presses(ADA, "leave the queue")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.LEFT),
        AnnounceFree(port=name(EAST)),
    )
    assert story.queue == []


def test_1f_on_my_way_takes_no_time_from_anybody() -> None:
    rules = Rules(zone=ZONE, offer=timedelta(minutes=40))
    story = Story(stations=(EAST,), rules=rules)
    story.joins(ADA)
    deadline = story.after(minutes=40)

    story.presses(ADA, "on my way")

    assert story.site.offers[0].deadline == deadline


def test_1b_of_several_free_ports_the_one_that_was_idle_longest_is_offered(story: Story) -> None:
    story.plugs_out(WEST)
    story.later(minutes=1)
    story.plugs_out(EAST)

    story.joins(ADA)

    assert story.site.offers[0].port == f"{WEST}/1"


def test_1b_one_of_which_nobody_knows_since_when_it_is_free_comes_after_these() -> None:
    story = Story()
    story.plugs_in(WEST, "600002")
    story.plugs_out(WEST)

    story.joins(ADA)

    assert story.site.offers[0].port == f"{WEST}/1"
