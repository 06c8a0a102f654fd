"""What every store promises, told of each of them."""

import asyncio
from datetime import timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from queue_store.errors import Conflict, Repeated, StoreUnavailable
from queue_store.site import Site
from queue_store.store import Commit, Delivered, OutboxRow, QueueStore, Snapshot, row_id
from tests.queue_store.decisions import (
    NEXT_WEEK,
    NOON,
    SITE,
    add,
    card,
    request,
    said,
    say,
    waiting,
)
from tests.queue_store.engines import OpenStore
from tests.strategies import sites

SECOND = timedelta(seconds=1)


async def test_a_site_never_stored_is_empty_at_revision_0(store: QueueStore) -> None:
    """A new deployment has to begin somewhere."""
    assert await store.load() == Snapshot(site=Site(id=SITE), revision=0)
    assert await store.outbox() == ()


async def test_what_was_committed_is_loaded(store: QueueStore) -> None:
    """A driver who was told that they are in the queue is in the queue."""
    revision = await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))

    assert revision == 1
    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=1)


@given(site=sites(SITE))
# The store may keep what the example before left: each commits on top of the last.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_site_comes_back_as_it_was(store: QueueStore, site: Site) -> None:
    """No name, number or moment is changed by being stored."""
    seen = (await store.load()).revision

    revision = await store.commit(Commit(site=site, seen=seen, now=NOON))

    assert await store.load() == Snapshot(site=site, revision=revision)


async def test_everything_is_found_again_after_reopening(open_store: OpenStore) -> None:
    """A redeploy loses nothing."""
    store = await open_store(site=SITE)
    (first, _) = await say(store, b"first", b"second")
    kept = Commit(site=waiting("U0ADA"), seen=1, now=NOON, answered=request("trigger 1"))
    await store.commit(kept)
    await store.discharge(Delivered(row=first.row, card=card()))
    await store.close()

    store = await open_store(site=SITE)

    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=2)
    assert await store.answered("trigger 1", now=NOON) == b"You're in"
    assert await said(store) == [b"second"]
    assert await store.card("offer/1", now=NOON) == card()
    await store.close()


async def test_sites_share_a_store_and_nothing_else(open_store: OpenStore) -> None:
    """The second garage's queue must not show up in the first one's room."""
    store = await open_store(site=SITE)
    (row,) = await say(store, b"for the garage")
    await store.commit(
        Commit(site=waiting("U0ADA"), seen=1, now=NOON, answered=request("trigger 1"))
    )
    await store.close()

    roof = await open_store(site="roof")

    assert await roof.load() == Snapshot(site=Site(id="roof"), revision=0)
    assert await roof.outbox() == ()
    assert await roof.answered("trigger 1", now=NOON) is None
    await roof.discharge(Delivered(row=row.row, card=card()))
    assert await roof.card("offer/1", now=NOON) is None
    await roof.commit(Commit(site=Site(id="roof"), seen=0, now=NEXT_WEEK + SECOND))
    await roof.close()
    store = await open_store(site=SITE)
    assert await said(store) == [b"for the garage"]
    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=2)
    assert await store.answered("trigger 1", now=NOON) == b"You're in"
    await store.close()


async def test_another_sites_value_is_refused(store: QueueStore) -> None:
    """Stored under the wrong name, a site could never be loaded again."""
    with pytest.raises(ValueError, match="roof"):
        await store.commit(Commit(site=Site(id="roof"), seen=0, now=NOON))

    assert (await store.load()).revision == 0


async def test_a_decision_on_an_old_revision_is_a_conflict(store: QueueStore) -> None:
    """Whoever decided on a queue that has changed since must decide anew."""
    await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))
    late = Commit(
        site=waiting("U0GRACE"), seen=0, now=NOON, answered=request("trigger 2"), bodies=(b"hi",)
    )

    with pytest.raises(Conflict):
        await store.commit(late)

    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=1)
    assert await store.outbox() == ()
    assert await store.answered("trigger 2", now=NOON) is None


async def test_a_decision_on_a_revision_still_to_come_is_a_conflict(store: QueueStore) -> None:
    """A store restored from a backup is behind those who saw more of it."""
    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting("U0ADA"), seen=4, now=NOON))
    await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))
    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting("U0GRACE"), seen=4, now=NOON))

    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=1)


async def test_of_two_decisions_on_one_revision_one_wins(store: QueueStore) -> None:
    """Two drivers who say `ev add` at once don't overwrite one another."""
    rivals = [Commit(site=waiting(who), seen=0, now=NOON) for who in ("U0ADA", "U0GRACE")]

    outcomes = await asyncio.gather(*map(store.commit, rivals), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "int"]
    assert (await store.load()).revision == 1


async def test_of_two_threads_on_one_revision_one_wins(store: QueueStore) -> None:
    """The revision guards the queue whatever runs the code."""
    rivals = [Commit(site=waiting(who), seen=0, now=NOON) for who in ("U0ADA", "U0GRACE")]

    outcomes = await asyncio.gather(
        *(asyncio.to_thread(asyncio.run, store.commit(rival)) for rival in rivals),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "int"]
    assert (await store.load()).revision == 1


async def test_forty_drivers_adding_at_once_get_forty_places(store: QueueStore) -> None:
    """Monday, nine o'clock: nobody's place is lost, nobody's is given twice."""
    drivers = [f"U0{number:02d}" for number in range(40)]

    places = await asyncio.gather(*(add(store, driver) for driver in drivers))

    assert sorted(places) == list(range(1, 41))
    assert {entry.driver for entry in (await store.load()).site.queue} == set(drivers)


async def test_a_repeated_request_gets_its_first_answer(store: QueueStore) -> None:
    """Slack delivers again what it thinks we missed; the driver joins once."""
    await store.commit(
        Commit(site=waiting("U0ADA"), seen=0, now=NOON, answered=request("trigger 1", b"first"))
    )
    again = Commit(
        site=waiting("U0ADA", "U0ADA"),
        seen=1,
        now=NOON,
        answered=request("trigger 1", b"second"),
        bodies=(b"joined twice",),
    )

    with pytest.raises(Repeated) as repeated:
        await store.commit(again)

    assert repeated.value.answer == b"first"
    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=1)
    assert await store.outbox() == ()
    assert await store.answered("trigger 1", now=NOON) == b"first"


async def test_a_repeat_is_known_before_the_revision_is_looked_at(store: QueueStore) -> None:
    """A repeat brings an old revision with it; told "conflict", it would be decided anew."""
    answered = request("trigger 1", b"first")
    commit = Commit(site=waiting("U0ADA"), seen=0, now=NOON, answered=answered)
    await store.commit(commit)

    with pytest.raises(Repeated) as repeated:
        await store.commit(commit)

    assert repeated.value.answer == b"first"


async def test_a_repeat_is_known_before_the_delivered_row_is_looked_for(store: QueueStore) -> None:
    """A delivery whose acknowledgement was lost comes again: its row is gone by then."""
    (row,) = await say(store, b"called")
    commit = Commit(
        site=waiting("U0ADA"), seen=1, now=NOON, answered=request("posted"), delivered=row
    )
    await store.commit(commit)

    with pytest.raises(Repeated):
        await store.commit(commit)


async def test_a_request_never_made_has_no_answer(store: QueueStore) -> None:
    """Or a driver would be told what somebody else was."""
    assert await store.answered("trigger 1", now=NOON) is None


async def test_an_answer_is_forgotten_when_it_expires(store: QueueStore) -> None:
    """Nothing about a person is kept for longer than it is needed."""
    await store.commit(
        Commit(site=waiting(), seen=0, now=NOON, answered=request("trigger 1", b"first"))
    )

    assert await store.answered("trigger 1", now=NEXT_WEEK - SECOND) == b"first"
    assert await store.answered("trigger 1", now=NEXT_WEEK) is None


async def test_a_request_whose_record_expired_is_a_new_one(store: QueueStore) -> None:
    """A weekly job that names itself the same each time does its work each time."""
    await store.commit(
        Commit(site=waiting(), seen=0, now=NOON, answered=request("weekly", b"first"))
    )
    later = request("weekly", b"second", NEXT_WEEK + timedelta(days=7))

    await store.commit(Commit(site=waiting(), seen=1, now=NEXT_WEEK, answered=later))

    assert await store.answered("weekly", now=NEXT_WEEK) == b"second"


async def test_of_a_driver_who_is_forgotten_no_answer_is_kept(store: QueueStore) -> None:
    """Whoever says `ev forget me` is forgotten, in what others were told too."""
    told = [request("hers", b"<@U0ADA> is in"), request("his", b"<@U0GRACE> is in")]
    for revision, answered in enumerate(told):
        await store.commit(Commit(site=waiting(), seen=revision, now=NOON, answered=answered))
    own = request("forget me", b"U0ADA is forgotten")

    await store.commit(Commit(site=waiting(), seen=2, now=NOON, answered=own, forgotten="U0ADA"))

    assert await store.answered("hers", now=NOON) is None
    assert await store.answered("his", now=NOON) == b"<@U0GRACE> is in"
    assert await store.answered("forget me", now=NOON) == b"U0ADA is forgotten"


async def test_a_driver_is_forgotten_again_by_the_same_request(store: QueueStore) -> None:
    """The answer of last week names them, and is replaced by the very commit that forgets."""
    for revision, now in enumerate([NOON, NEXT_WEEK]):
        answered = request("forget me", b"U0ADA is forgotten", expires=now + timedelta(days=7))
        commit = Commit(
            site=waiting(), seen=revision, now=now, answered=answered, forgotten="U0ADA"
        )
        assert await store.commit(commit) == revision + 1

    assert await store.answered("forget me", now=NEXT_WEEK) == b"U0ADA is forgotten"


async def test_a_conflict_forgets_nobody(store: QueueStore) -> None:
    """All or nothing: the decision that forgets is made anew first."""
    answered = request("hers", b"<@U0ADA> is in")
    await store.commit(Commit(site=waiting(), seen=0, now=NOON, answered=answered))

    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting(), seen=0, now=NOON, forgotten="U0ADA"))

    assert await store.answered("hers", now=NOON) == b"<@U0ADA> is in"


async def test_a_driver_of_many_answers_is_forgotten_in_all(store: QueueStore) -> None:
    """A week of a busy driver is more than some engines change in one go."""
    for revision in range(120):
        answered = request(f"trigger {revision}", b"<@U0ADA> is in")
        await store.commit(Commit(site=waiting(), seen=revision, now=NOON, answered=answered))

    await store.commit(Commit(site=waiting(), seen=120, now=NOON, forgotten="U0ADA"))

    for revision in range(120):
        assert await store.answered(f"trigger {revision}", now=NOON) is None


@pytest.mark.parametrize("count", [50, 51, 99, 100, 1001])
async def test_very_much_is_said_in_order_and_taken_one_by_one(
    store: QueueStore, count: int
) -> None:
    """Quiet hours begin, and everybody who waits gets a note: in one commit, or none is told."""
    bodies = tuple(str(number).encode() for number in range(count))
    rows = await say(store, *bodies)

    await store.discharge(replace(rows[3], card=card()))
    await say(store, b"last")

    assert [row.row for row in rows] == [row_id(1, place) for place in range(count)]
    assert await said(store) == [*bodies[:3], *bodies[4:], b"last"]
    assert await store.card("offer/1", now=NOON) == card()


async def test_large_things_are_said_in_order(store: QueueStore) -> None:
    """Sixty long messages at once are more than one item of some engines holds."""
    bodies = tuple(bytes([number]) * 20_000 for number in range(60))
    await say(store, *bodies)

    assert await said(store) == list(bodies)


async def test_rows_come_in_the_order_in_which_they_were_decided(store: QueueStore) -> None:
    """The room hears that a car left before it hears who is called."""
    for revision in range(12):
        bodies = tuple(f"{revision}.{place}".encode() for place in range(11))
        await store.commit(Commit(site=waiting(), seen=revision, now=NOON, bodies=bodies))

    expected = [f"{revision}.{place}".encode() for revision in range(12) for place in range(11)]
    assert await said(store) == expected


async def test_rows_keep_their_order_when_others_are_taken(store: QueueStore) -> None:
    """A message that Slack took out of turn doesn't let the rest overtake one another."""
    (_, last) = await say(store, b"one", b"two")
    await store.discharge(last)
    await say(store, b"three")

    assert await said(store) == [b"one", b"three"]


async def test_a_row_carries_its_body_and_when_it_was_decided(store: QueueStore) -> None:
    """What is said late can say how late it is."""
    body = bytes(range(256))
    later = NOON + timedelta(microseconds=1)
    await store.commit(Commit(site=waiting(), seen=0, now=later, bodies=(body,)))

    (row,) = await store.outbox()

    assert row == OutboxRow(id="000000000001-000", body=body, created=later)


async def test_a_delivered_row_goes_and_its_card_comes_in_one_commit(store: QueueStore) -> None:
    """The offer's clock starts in the very write that knows where its card stands."""
    (row, _) = await say(store, b"called", b"other")
    posted = replace(row, card=card())

    await store.commit(Commit(site=waiting("U0ADA"), seen=1, now=NOON, delivered=posted))

    assert await said(store) == [b"other"]
    assert await store.card("offer/1", now=NOON) == card()


async def test_a_row_already_gone_is_a_conflict(store: QueueStore) -> None:
    """Two senders of one row must not both start its clock."""
    (row,) = await say(store, b"called")
    await store.discharge(row)
    late = Commit(
        site=waiting("U0ADA"),
        seen=1,
        now=NOON,
        answered=request("posted"),
        bodies=(b"again",),
        delivered=replace(row, card=card()),
    )

    with pytest.raises(Conflict):
        await store.commit(late)

    assert (await store.load()).revision == 1
    assert await store.outbox() == ()
    assert await store.answered("posted", now=NOON) is None
    assert await store.card("offer/1", now=NOON) is None


async def test_a_conflict_keeps_the_row_that_was_delivered(store: QueueStore) -> None:
    """All or nothing: the row waits until its delivery is stored."""
    (row,) = await say(store, b"called")
    posted = replace(row, card=card())

    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting(), seen=0, now=NOON, delivered=posted))

    assert await said(store) == [b"called"]
    assert await store.card("offer/1", now=NOON) is None


async def test_a_discharge_takes_the_row_and_keeps_the_card(store: QueueStore) -> None:
    """A message that was said is not said again, and can be edited later."""
    (row, _) = await say(store, b"called", b"other")

    await store.discharge(replace(row, card=card()))

    assert await said(store) == [b"other"]
    assert await store.card("offer/1", now=NOON) == card()
    assert (await store.load()).revision == 1


async def test_a_repeated_discharge_changes_nothing(store: QueueStore) -> None:
    """A retry after a lost acknowledgement must not bring an old card back."""
    (row,) = await say(store, b"called")
    await store.discharge(replace(row, card=card(ts="1763.000100")))
    (newer,) = await say(store, b"called anew")
    await store.discharge(replace(newer, card=card(ts="1763.000200")))

    await store.discharge(replace(row, card=card(ts="1763.000100")))

    assert await store.card("offer/1", now=NOON) == card(ts="1763.000200")


async def test_a_newer_card_takes_the_older_ones_place(store: QueueStore) -> None:
    """The board that is edited is the one that was posted last."""
    (first, second) = await say(store, b"board", b"board again")
    await store.discharge(replace(first, card=card(ts="1763.000100")))
    await store.discharge(replace(second, card=card(ts="1763.000200")))

    assert await store.card("offer/1", now=NOON) == card(ts="1763.000200")


async def test_a_card_never_posted_stands_nowhere(store: QueueStore) -> None:
    """There is nothing to edit then."""
    assert await store.card("offer/1", now=NOON) is None


async def test_a_card_is_forgotten_when_it_expires(store: QueueStore) -> None:
    """Nobody edits last week's messages."""
    (row,) = await say(store, b"called")
    await store.discharge(replace(row, card=card()))

    assert await store.card("offer/1", now=NEXT_WEEK - SECOND) == card()
    assert await store.card("offer/1", now=NEXT_WEEK) is None


async def test_an_expiry_is_compared_to_the_microsecond_in_any_zone(store: QueueStore) -> None:
    """Moments are compared as moments, not as the texts or numbers that they are stored as."""
    expires = (NOON + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=-8)))
    brief = request("trigger 1", expires=expires)
    await store.commit(Commit(site=waiting(), seen=0, now=NOON, answered=brief))

    assert await store.answered("trigger 1", now=NOON) == b"You're in"
    assert await store.answered("trigger 1", now=NOON + timedelta(microseconds=1)) is None


async def test_a_task_that_stops_waiting_leaves_the_store_whole(open_store: OpenStore) -> None:
    """Slack's three seconds run out in the middle of a commit; the next one works."""
    store = await open_store(site=SITE)
    commit = Commit(site=waiting("U0ADA"), seen=0, now=NOON, bodies=(b"called",))
    async with asyncio.TaskGroup() as tasks:
        impatient = tasks.create_task(store.commit(commit))
        await asyncio.sleep(0)
        impatient.cancel()
    # What was begun may still be under way; closing waits for it.
    await store.close()

    store = await open_store(site=SITE)
    after = await store.load()

    assert impatient.cancelled()
    assert after.revision == len(await store.outbox())
    assert await store.commit(replace(commit, seen=after.revision)) == after.revision + 1
    await store.close()


async def test_a_commit_begun_before_closing_is_finished(open_store: OpenStore) -> None:
    """SIGTERM comes while a driver joins: what was begun is stored."""
    store = await open_store(site=SITE)
    commit = Commit(site=waiting("U0ADA"), seen=0, now=NOON)

    revision, _ = await asyncio.gather(store.commit(commit), store.close())

    assert revision == 1
    store = await open_store(site=SITE)
    assert (await store.load()).site == waiting("U0ADA")
    await store.close()


async def test_closing_twice_is_harmless(open_store: OpenStore) -> None:
    """Whoever cleans up need not know whether somebody else did."""
    store = await open_store(site=SITE)

    await asyncio.gather(store.close(), store.close())
    await store.close()


async def test_a_closed_store_says_that_it_cannot_be_reached(open_store: OpenStore) -> None:
    """A late command gets plain words, not a stack trace."""
    store = await open_store(site=SITE)
    await store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.load()
