"""Calls before notices, what belongs together stays together, and nothing that is no longer so."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.effects import (
    AnnounceFree,
    AskToMove,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    Effect,
    RemindIdle,
    SayInRoom,
    TellCalled,
    TellGoesOn,
    TellMoved,
    TellRemoved,
    UpdateCall,
)
from bot.outbox import NOTICES, Saying, in_order, is_overtaken, replaced, up_to_date
from bot.replies import Left
from queue_store.site import Site, port_id
from queue_store.store import OutboxRow, row_id
from tests.story import ADA, EAST, GRACE, NINE, WEST, Story
from tests.strategies import any_of

FREE = AnnounceFree(port="GARAGE / EAST")
LEFT = SayInRoom(reply=Left(driver=GRACE))


def said(effect: Effect, revision: int = 1, place: int = 0) -> Saying:
    body = msgspec.json.encode(effect)
    row = OutboxRow(id=row_id(revision, place), body=body, created=NINE)
    return Saying(row=row, effect=effect)


def call(offer: int = 7) -> CallDriver:
    return CallDriver(offer=offer, driver=ADA, port="GARAGE / EAST")


CALLED: dict[str, Any] = {"driver": ADA, "port": "WEST", "deadline": None}


def nag(asked: int, session: int = 1) -> AskToMove:
    return AskToMove(session=session, asked=asked, driver=ADA, port="EAST", since=NINE)


def edit(offer: int, outcome: CallOutcome) -> UpdateCall:
    return UpdateCall(offer=offer, driver=ADA, port="GARAGE / EAST", outcome=outcome)


def test_a_call_goes_before_the_notices_of_earlier_decisions() -> None:
    """A turn is a matter of minutes, and a limited room takes a message a second."""
    notices = [said(FREE, 1), said(LEFT, 2)]

    assert in_order([*notices, said(call(), 3)]) == [said(call(), 3), *notices]


def test_what_was_decided_together_is_said_in_its_order() -> None:
    """Who leaves is heard of before whoever is called in their place."""
    together = [said(LEFT, 4, 0), said(call(), 4, 1), said(FREE, 4, 2)]

    assert in_order(together) == together


@given(
    st.lists(st.tuples(st.integers(1, 4), any_of(Effect)), max_size=12).map(
        lambda drawn: [
            said(effect, revision, place)
            for place, (revision, effect) in enumerate(sorted(drawn, key=lambda each: each[0]))
        ]
    )
)
def test_ordering_loses_nothing_and_no_decision_is_turned_round(sayings: list[Saying]) -> None:
    ordered = in_order(sayings)

    assert sorted(each.row.id for each in ordered) == [each.row.id for each in sayings]
    for revision in range(1, 5):
        mine = [each for each in ordered if each.row.id.startswith(row_id(revision, 0)[:12])]
        assert mine == sorted(mine, key=lambda each: each.row.id)
    first_idle = next((n for n, each in enumerate(ordered) if not _is_urgent(each, sayings)), 99)
    assert not any(_is_urgent(each, sayings) for each in ordered[first_idle:])


def test_of_several_edits_of_one_card_the_last_is_enough() -> None:
    first, last = edit(7, CallOutcome.ACCEPTED), edit(7, CallOutcome.PLUGGED_IN)
    other = edit(8, CallOutcome.MISSED)

    assert replaced([said(first, 1), said(other, 2), said(last, 3)]) == {row_id(1, 0)}


def test_the_last_edit_is_the_one_that_was_decided_last() -> None:
    """An edit beside a call is said before an earlier one that is alone, and must not lose."""
    accepted = said(edit(7, CallOutcome.ACCEPTED), 1)
    left, next_one = said(edit(7, CallOutcome.LEFT), 2, 0), said(call(8), 2, 1)

    assert in_order([accepted, left, next_one])[0] == left
    assert replaced([accepted, left, next_one]) == {accepted.row.id}


def test_after_a_long_outage_nothing_is_told_twice() -> None:
    told_again: tuple[tuple[Effect, Effect], ...] = (
        (FREE, FREE),
        (FREE, RemindIdle(port=FREE.port, since=NINE)),
        (nag(1), nag(2)),
        (TellCalled(driver=ADA, port="EAST", deadline=NINE), TellGoesOn(**CALLED)),
        (TellMoved(taken="EAST", **CALLED), TellCalled(driver=ADA, port="WEST", deadline=NINE)),
    )
    for first, last in told_again:
        assert replaced([said(first, 1), said(last, 2)]) == {row_id(1, 0)}

    not_again: tuple[tuple[Effect, Effect], ...] = (
        (FREE, AnnounceFree(port="WEST")),
        (nag(1), nag(1, session=2)),
        (TellGoesOn(**CALLED), TellGoesOn(**{**CALLED, "driver": GRACE})),
    )
    for first, other in not_again:
        assert replaced([said(first, 1), said(other, 2)]) == set()


@given(st.lists(any_of(Effect), max_size=12))
def test_of_what_is_told_again_the_last_is_left(effects: list[Effect]) -> None:
    sayings = [said(effect, revision) for revision, effect in enumerate(effects, start=1)]

    gone = replaced(sayings)

    left = [each for each in sayings if each.row.id not in gone]
    assert replaced(left) == set()
    assert not sayings or sayings[-1] in left


def test_a_call_names_the_port_that_is_held_now() -> None:
    """Two drivers would be called to one port, had it been taken and left meanwhile."""
    story, number, port = offered()
    spoken = said(CallDriver(offer=number, driver=ADA, port=port))
    assert up_to_date(spoken, story.site) == spoken

    story.registers(GRACE, "700102")
    story.plugs_in(EAST, user="700102")

    (offer,) = story.site.offers
    moved = up_to_date(spoken, story.site).effect
    assert isinstance(moved, CallDriver)
    assert (offer.number, offer.port) == (number, port_id(WEST, "1"))
    assert moved.port == story.port(WEST).name != port
    assert up_to_date(spoken, Site(id="office")) == spoken
    assert up_to_date(said(FREE), story.site) == said(FREE)


def test_a_card_that_is_posted_is_not_replaced_by_its_edit() -> None:
    assert replaced([said(call(7), 1), said(edit(7, CallOutcome.MOVED), 2)]) == set()


def _is_urgent(saying: Saying, sayings: list[Saying]) -> bool:
    """Whether the decision has a call at or after this place."""
    decision = saying.row.id[:12]
    later = [s for s in sayings if s.row.id[:12] == decision and s.row.id >= saying.row.id]
    return any(not s.edits and not isinstance(s.effect, NOTICES) for s in later)


def offered() -> tuple[Story, int, str]:
    story = Story()
    story.says(ADA, "add")
    (offer,) = story.site.offers
    port = story.site.port(offer.port)
    assert port is not None
    return story, offer.number, port.name


def stale(effect: Effect, site: Site) -> bool:
    return is_overtaken(effect, site)


def test_a_call_is_said_while_its_offer_lives_and_not_when_it_is_over() -> None:
    story, number, port = offered()
    spoken = (
        CallDriver(offer=number, driver=ADA, port=port),
        TellCalled(driver=ADA, port=port, deadline=NINE),
        TellMoved(driver=ADA, taken="another", port=port, deadline=None),
        TellGoesOn(driver=ADA, port=port, deadline=None),
    )
    assert not any(stale(each, story.site) for each in spoken)

    story.says(ADA, "remove")

    assert all(stale(each, story.site) for each in spoken)


def test_a_call_to_another_port_than_the_one_now_held_is_overtaken() -> None:
    story, _, _ = offered()

    assert stale(TellCalled(driver=ADA, port="elsewhere", deadline=NINE), story.site)


def test_a_free_port_is_announced_while_it_is_free_and_nobodys() -> None:
    story = Story(stations=(EAST,))
    (port,) = story.site.ports
    notices = (AnnounceFree(port=port.name), RemindIdle(port=port.name, since=NINE))
    assert not any(stale(each, story.site) for each in notices)

    story.says(ADA, "add")

    assert all(stale(each, story.site) for each in notices)


def test_a_car_that_left_or_is_known_is_not_asked_about() -> None:
    story = Story(stations=(EAST, WEST))
    story.plugs_in(EAST)
    port, number = story.port(EAST), story.session(EAST).number
    asked = (
        AskWhoPluggedIn(session=number, port=port.name),
        AskToMove(session=number, asked=1, driver=None, port=port.name, since=NINE),
    )
    assert not any(stale(each, story.site) for each in asked)

    story.presses(GRACE, "that's me", number)
    assert stale(asked[0], story.site)
    assert not stale(asked[1], story.site)

    story.later(minutes=30)
    story.plugs_out(EAST)
    assert stale(asked[1], story.site)


def test_a_question_about_an_offer_is_asked_while_it_is_open() -> None:
    story, number, port = offered()
    question = AskWasThatYou(offer=number, session=99, driver=ADA, port=port)

    assert stale(question, story.site)


@given(any_of(NOTICES))
def test_what_nothing_can_overtake_is_always_said(effect: Effect) -> None:
    """A private word and what somebody was answered are no news of the garage."""
    if not isinstance(effect, AnnounceFree | RemindIdle):
        assert not stale(effect, Site(id="office"))
    assert not stale(TellRemoved(driver=ADA, by=GRACE), Site(id="office"))
