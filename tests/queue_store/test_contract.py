"""What every store promises, told of each of them."""

import asyncio
from datetime import timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from queue_store.errors import Conflict, Deposed, Repeated, StoreUnavailable
from queue_store.site import Site
from queue_store.store import (
    FORGOTTEN,
    Commit,
    Delivered,
    OutboxRow,
    QueueStore,
    RefusedRow,
    Snapshot,
    row_id,
)
from tests.queue_store.decisions import (
    NEXT_WEEK,
    NOON,
    SITE,
    add,
    card,
    refusal,
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
    (first, second, third) = await say(store, b"first", b"second", b"third")
    await store.begin(second.row, now=NOON)
    kept = Commit(site=waiting("U0ADA"), seen=1, now=NOON, answered=request("trigger 1"))
    await store.commit(kept)
    await store.discharge(Delivered(row=first.row, card=card()))
    await store.discharge(replace(third, refused=refusal()))
    await store.close()

    store = await open_store(site=SITE)

    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=2)
    assert await store.answered("trigger 1", now=NOON) == b"You're in"
    assert await said(store) == [b"second"]
    assert [row.begun for row in await store.outbox()] == [NOON]
    assert [row.body for row in await store.refused(now=NOON)] == [b"third"]
    assert await store.card("offer/1", now=NOON) == card()
    await store.close()


async def test_sites_share_a_store_and_nothing_else(open_store: OpenStore) -> None:
    """The second garage's queue must not show up in the first one's room."""
    store = await open_store(site=SITE)
    (row, refused) = await say(store, b"for the garage", b"for nobody")
    await store.discharge(replace(refused, refused=refusal()))
    await store.commit(
        Commit(site=waiting("U0ADA"), seen=1, now=NOON, answered=request("trigger 1"))
    )
    await store.close()

    roof = await open_store(site="roof")

    assert await roof.load() == Snapshot(site=Site(id="roof"), revision=0)
    assert await roof.outbox() == ()
    assert await roof.answered("trigger 1", now=NOON) is None
    assert await roof.refused(now=NOON) == ()
    with pytest.raises(Conflict):
        await roof.begin(row.row, now=NOON)
    await roof.discharge(Delivered(row=row.row, card=card(), refused=refusal()))
    assert await roof.card("offer/1", now=NOON) is None
    assert await roof.refused(now=NOON) == ()
    await roof.commit(Commit(site=Site(id="roof"), seen=0, now=NEXT_WEEK + SECOND))
    await roof.close()
    store = await open_store(site=SITE)
    assert await said(store) == [b"for the garage"]
    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=2)
    assert await store.answered("trigger 1", now=NOON) == b"You're in"
    assert [row.body for row in await store.refused(now=NOON)] == [b"for nobody"]
    await store.close()


async def test_another_sites_value_is_refused(store: QueueStore) -> None:
    """Stored under the wrong name, a site could never be loaded again."""
    with pytest.raises(ValueError, match="roof"):
        await store.commit(Commit(site=Site(id="roof"), seen=0, now=NOON))

    assert (await store.load()).revision == 0


@pytest.mark.parametrize("seen", [0, 1, 2])
async def test_a_decision_on_an_old_revision_is_a_conflict(store: QueueStore, seen: int) -> None:
    """Whoever decided on a queue that has changed since must decide anew."""
    for revision in range(3):
        await store.commit(Commit(site=waiting("U0ADA"), seen=revision, now=NOON))
    late = Commit(
        site=waiting("U0GRACE"),
        seen=seen,
        now=NOON,
        answered=request("trigger 2"),
        bodies=(b"hi",),
    )

    with pytest.raises(Conflict):
        await store.commit(late)

    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=3)
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
    """Whoever says `ev forget me` is forgotten, in what others were told too.

    That they were told stays, or a request that comes again would be done again.
    """
    told = [request("hers", b"<@U0ADA> is in"), request("his", b"<@U0GRACE> is in")]
    for revision, answered in enumerate(told):
        await store.commit(Commit(site=waiting(), seen=revision, now=NOON, answered=answered))
    own = request("forget me", b"U0ADA is forgotten")

    await store.commit(Commit(site=waiting(), seen=2, now=NOON, answered=own, forgotten="U0ADA"))

    assert await store.answered("hers", now=NOON) == FORGOTTEN
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
        assert await store.answered(f"trigger {revision}", now=NOON) == FORGOTTEN


async def test_of_a_driver_who_is_forgotten_nothing_set_aside_is_kept(store: QueueStore) -> None:
    """Nor in what could not be said; what is still to be said says that they are forgotten."""
    rows = await say(store, b"<@U0ADA>, your turn", b"<@U0GRACE>, your turn", b"U0ADA is forgotten")
    for row in rows[:2]:
        await store.discharge(replace(row, refused=refusal()))

    await store.commit(Commit(site=waiting(), seen=1, now=NOON, forgotten="U0ADA"))

    assert [row.body for row in await store.refused(now=NOON)] == [b"<@U0GRACE>, your turn"]
    assert await said(store) == [b"U0ADA is forgotten"]


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


async def test_a_row_is_said_by_nobody_until_somebody_begins(store: QueueStore) -> None:
    """Whoever finds it begun looks whether the room has heard it already."""
    (row, other) = await say(store, b"called", b"other")
    assert [each.begun for each in await store.outbox()] == [None, None]

    await store.begin(row.row, now=NOON + SECOND)

    begun, unbegun = await store.outbox()
    assert begun == OutboxRow(id=row.row, body=b"called", created=NOON, begun=NOON + SECOND)
    assert unbegun == OutboxRow(id=other.row, body=b"other", created=NOON)


async def test_who_begins_again_does_not_change_when_it_was_begun(store: QueueStore) -> None:
    """The room's history is looked through from the first attempt on."""
    (row,) = await say(store, b"called")

    await store.begin(row.row, now=NOON)
    await store.begin(row.row, now=NOON + SECOND)

    assert [each.begun for each in await store.outbox()] == [NOON]


@pytest.mark.parametrize("count", [51, 120])
async def test_any_of_very_many_rows_can_be_begun(store: QueueStore, count: int) -> None:
    """However an engine keeps them until the outbox is read."""
    bodies = (b"note",) * count
    await store.commit(Commit(site=waiting(), seen=0, now=NOON, bodies=bodies))

    for place in (0, 1, count - 1):
        await store.begin(row_id(1, place), now=NOON)

    begun = [place for place, row in enumerate(await store.outbox()) if row.begun == NOON]
    assert begun == [0, 1, count - 1]


async def test_a_row_that_is_gone_cannot_be_begun(store: QueueStore) -> None:
    """Another sender has said it; said again it would call a driver twice."""
    (row,) = await say(store, b"called")
    await store.discharge(row)

    with pytest.raises(Conflict):
        await store.begin(row.row, now=NOON)

    assert await store.outbox() == ()


async def test_a_row_that_was_begun_can_be_taken(store: QueueStore) -> None:
    """That it may have been said is no reason to keep it."""
    (one, two) = await say(store, b"one", b"two")
    await store.begin(one.row, now=NOON)
    await store.begin(two.row, now=NOON)

    await store.discharge(one)
    await store.commit(Commit(site=waiting(), seen=1, now=NOON, delivered=two))

    assert await store.outbox() == ()


async def test_a_row_that_is_refused_is_set_aside_with_the_reason(store: QueueStore) -> None:
    """Nothing waits behind it, and an administrator can see what nobody was told."""
    (row, _) = await say(store, b"called \xff", b"other")
    await store.begin(row.row, now=NOON)

    await store.discharge(replace(row, refused=refusal("channel_not_found")))

    assert await said(store) == [b"other"]
    assert await store.refused(now=NOON) == (
        RefusedRow(
            id=row.row,
            body=b"called \xff",
            created=NOON,
            why="channel_not_found",
            expires=NEXT_WEEK,
        ),
    )


async def test_a_row_is_set_aside_in_the_commit_that_tells_of_it(store: QueueStore) -> None:
    """An offer that nobody could be shown has begun all the same, or it would never end."""
    (row,) = await say(store, b"called")
    aside = replace(row, refused=refusal())
    commit = Commit(site=waiting("U0ADA"), seen=1, now=NOON, delivered=aside, bodies=(b"next",))

    await store.commit(commit)

    assert await said(store) == [b"next"]
    assert [each.body for each in await store.refused(now=NOON)] == [b"called"]


async def test_a_conflict_sets_nothing_aside(store: QueueStore) -> None:
    """All or nothing: the row waits until its outcome is stored."""
    (row,) = await say(store, b"called")
    aside = replace(row, refused=refusal())

    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting(), seen=0, now=NOON, delivered=aside))

    assert await said(store) == [b"called"]
    assert await store.refused(now=NOON) == ()


async def test_a_row_already_gone_is_not_set_aside(store: QueueStore) -> None:
    """It was said after all, by another."""
    (row,) = await say(store, b"called")
    await store.discharge(row)

    await store.discharge(replace(row, refused=refusal()))
    late = Commit(site=waiting(), seen=1, now=NOON, delivered=replace(row, refused=refusal()))
    with pytest.raises(Conflict):
        await store.commit(late)

    assert await store.refused(now=NOON) == ()


async def test_what_was_set_aside_is_told_oldest_first(store: QueueStore) -> None:
    """In the order in which it would have been said, whatever was refused first."""
    bodies = tuple(str(number).encode() for number in range(1001))
    rows = [*await say(store, *bodies), *await say(store, b"last")]
    for place in (1001, 1000, 999, 3):
        await store.discharge(replace(rows[place], refused=refusal()))

    assert [row.body for row in await store.refused(now=NOON)] == [b"3", b"999", b"1000", b"last"]


async def test_what_was_set_aside_is_forgotten_when_it_expires(store: QueueStore) -> None:
    """Nothing about a person is kept for longer than it is needed."""
    (row,) = await say(store, b"called")
    await store.discharge(replace(row, refused=refusal(expires=NEXT_WEEK)))

    assert len(await store.refused(now=NEXT_WEEK - SECOND)) == 1
    assert await store.refused(now=NEXT_WEEK) == ()


async def test_who_leads_does_what_leaders_do(store: QueueStore) -> None:
    """A leader of today is not hindered."""
    lease = store.lease(seconds=15)
    await lease.keep()
    (one, two) = await say(store, b"one", b"two")

    await store.begin(one.row, now=NOON, term=lease.term)
    await store.discharge(one, term=lease.term)
    revision = await store.commit(
        Commit(site=waiting("U0ADA"), seen=1, now=NOON, delivered=two, term=lease.term)
    )

    assert lease.term == 1
    assert revision == 2
    assert await store.outbox() == ()


@pytest.mark.parametrize("term", [0, 2])
async def test_a_leader_of_another_term_changes_nothing(store: QueueStore, term: int) -> None:
    """A machine that slept through its deposition says nothing twice and decides nothing."""
    await store.lease(seconds=15).keep()
    (row,) = await say(store, b"called")
    delivered = replace(row, card=card(), refused=refusal())
    commit = Commit(
        site=waiting("U0ADA"),
        seen=1,
        now=NOON,
        answered=request("posted"),
        bodies=(b"next",),
        delivered=delivered,
        term=term,
    )

    with pytest.raises(Deposed):
        await store.begin(row.row, now=NOON, term=term)
    with pytest.raises(Deposed):
        await store.discharge(delivered, term=term)
    with pytest.raises(Deposed):
        await store.commit(commit)
    with pytest.raises(Deposed):
        await store.commit(replace(commit, seen=7))

    assert await store.outbox() == (OutboxRow(id=row.row, body=b"called", created=NOON),)
    assert (await store.load()).revision == 1
    assert await store.answered("posted", now=NOON) is None
    assert await store.card("offer/1", now=NOON) is None
    assert await store.refused(now=NOON) == ()


async def test_a_repeat_is_known_to_a_leader_of_another_term(store: QueueStore) -> None:
    """What was answered before is answered, whoever leads."""
    await store.lease(seconds=15).keep()
    commit = Commit(site=waiting(), seen=0, now=NOON, answered=request("trigger 1"), term=1)
    await store.commit(commit)

    with pytest.raises(Repeated):
        await store.commit(replace(commit, term=2))


async def test_who_is_alone_leads_until_they_let_go(store: QueueStore) -> None:
    """A bot on one machine leads as soon as it starts."""
    lease = store.lease(seconds=15)

    await lease.keep()
    assert lease.term is not None
    assert lease.leader is not None
    assert lease.leader.term == lease.term
    assert 0 < lease.left <= 15
    assert 0 < lease.pause <= 5
    await lease.release()

    assert lease.term is None
    assert lease.leader is None
    assert lease.left == 0
    await lease.release()
    await lease.keep()
    assert lease.term is not None


async def test_nobody_leads_in_a_closed_store(open_store: OpenStore) -> None:
    """The file may be another's by then."""
    store = await open_store(site=SITE)
    lease = store.lease(seconds=15)
    await lease.keep()
    await lease.release()
    await store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await lease.keep()
    assert lease.term is None


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
