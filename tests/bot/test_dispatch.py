"""What is decided is stored or nothing is, and a person is told which, whatever the store does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from msgspec import Struct
from msgspec.structs import replace

from bot.dispatch import ANSWER_KEPT, ASKED_SECONDS, MOST_ATTEMPTS, Committed, Dispatcher
from bot.events import Asker, ClockTicked, FeedRegistered, JoinRequested, ListRequested
from bot.patience import Patience
from bot.replies import Joined
from bot.rules import Rules
from playground.slack.workspace import dm_of
from queue_store.errors import (
    Conflict,
    Deposed,
    OutcomeUnknown,
    StoreError,
    StoreUnavailable,
    Unreadable,
)
from queue_store.opening import SqliteFile
from queue_store.store import Answered, Commit
from tests.bot.office import ADA, GRACE, QUICK, Bot, Clock, Neighbours, at_work, logged, until
from tests.bot.test_leader import ScriptedLease
from tests.bot.troubled import Opening, TroubledStore

ADA_JOINS = JoinRequested(asker=Asker(driver=ADA))


@pytest.fixture
def opening() -> Opening:
    return Opening()


@pytest.fixture
async def bot(neighbours: Neighbours, opening: Opening) -> AsyncIterator[Bot]:
    """Run the bot on a store that can be troubled."""
    async with at_work(neighbours, open_store=opening) as working:
        yield working


@pytest.fixture
async def store(neighbours: Neighbours, opening: Opening) -> AsyncIterator[TroubledStore]:
    await opening(SqliteFile(neighbours.store), "C0EVROOM")
    yield opening.store
    await opening.store.close()


@pytest.fixture
def dispatcher(store: TroubledStore, clock: Clock) -> Dispatcher:
    return Dispatcher(store, clock=clock, rules=Rules())


@pytest.mark.parametrize("conflicts", [1, 3])
async def test_a_conflict_remakes_the_decision_on_the_fresh_site(
    dispatcher: Dispatcher, store: TroubledStore, clock: Clock, conflicts: int
) -> None:
    """Two instances, two drivers who join at once: both are in, in some order."""
    other = Dispatcher(store, clock=clock, rules=Rules())
    store.fails["commit"] = [Conflict("somebody else was faster")] * conflicts

    async def join_meanwhile() -> None:
        await other.handle(JoinRequested(asker=Asker(driver=GRACE)))

    outcome, _ = await asyncio.gather(dispatcher.handle(ADA_JOINS), join_meanwhile())

    assert isinstance(outcome.reply, Joined)
    assert {entry.driver for entry in (await dispatcher.site()).queue} == {ADA, GRACE}


class Leads(Struct):
    """A leadership as the test has it."""

    term: int | None


def led(store: TroubledStore, clock: Clock, *, term: int | None) -> Dispatcher:
    return Dispatcher(store, clock=clock, rules=Rules(), leadership=Leads(term))


async def test_who_does_not_lead_answers_people_and_leaves_the_rest_to_the_leader(
    store: TroubledStore, clock: Clock
) -> None:
    """Two who keep the time would call two drivers for one charger."""
    follower = led(store, clock, term=None)

    outcome = await follower.handle(ADA_JOINS)
    with pytest.raises(Deposed):
        await follower.handle(FeedRegistered(feed="125001"))

    assert isinstance(outcome.reply, Joined)
    assert (await follower.site()).feed is None
    assert follower.problem is None


async def test_what_a_leader_of_another_term_decides_is_refused_and_what_people_ask_is_not(
    store: TroubledStore, clock: Clock
) -> None:
    """A leader that slept does not know yet that it is none."""
    slept = led(store, clock, term=7)

    await slept.handle(ADA_JOINS)
    with pytest.raises(Deposed):
        await slept.handle(FeedRegistered(feed="125001"))

    assert [entry.driver for entry in (await slept.site()).queue] == [ADA]
    assert (await slept.site()).feed is None


async def test_what_another_instance_decides_is_told_to_who_listens_here_once(
    store: TroubledStore, clock: Clock
) -> None:
    here, there = led(store, clock, term=1), led(store, clock, term=None)
    heard: list[Committed] = []
    here.listen(heard.append)
    await there.handle(ADA_JOINS)

    await here.catch_up()
    await here.catch_up()

    (committed,) = heard
    assert committed.speaks
    assert [entry.driver for entry in committed.site.queue] == [ADA]


async def test_two_dispatchers_that_race_lose_nobody(store: TroubledStore, clock: Clock) -> None:
    pair = [Dispatcher(store, clock=clock, rules=Rules()) for _ in range(2)]
    drivers = [f"U{number:03}" for number in range(20)]

    await asyncio.gather(
        *(
            pair[place % 2].handle(JoinRequested(asker=Asker(driver=driver)))
            for place, driver in enumerate(drivers)
        )
    )

    queue = [entry.driver for entry in (await pair[0].site()).queue]
    assert sorted(queue) == drivers


async def test_one_dispatcher_does_not_fight_itself(
    dispatcher: Dispatcher, store: TroubledStore
) -> None:
    """Each conflict with oneself is a decision made in vain, and somebody waiting for it."""
    drivers = [f"U{number:03}" for number in range(20)]

    await asyncio.gather(
        *(dispatcher.handle(JoinRequested(asker=Asker(driver=driver))) for driver in drivers)
    )

    assert store.commits == len(drivers)


async def test_a_request_that_comes_again_gets_its_first_answer(dispatcher: Dispatcher) -> None:
    first = await dispatcher.handle(ADA_JOINS, request="trigger:1")
    again = await dispatcher.handle(ADA_JOINS, request="trigger:1")
    later = await dispatcher.handle(ADA_JOINS, request="trigger:2")

    assert again.reply == first.reply
    assert (first.repeated, again.repeated, later.repeated) == (False, True, False)
    assert later.reply != first.reply


async def test_a_request_that_another_version_answered_is_not_made_so_again(
    dispatcher: Dispatcher, store: TroubledStore, clock: Clock
) -> None:
    """In a rolling deployment Slack may bring to the old version what the new one answered."""
    answered = Answered(
        request="trigger:1", answer=b'{"type":"OfTomorrow"}', expires=clock.now() + ANSWER_KEPT
    )
    site = (await store.load()).site
    await store.commit(Commit(site=site, seen=0, now=clock.now(), answered=answered))

    outcome = await dispatcher.handle(ADA_JOINS, request="trigger:1")

    assert (outcome.reply, outcome.repeated) == (None, True)
    assert (await dispatcher.site()).queue == ()


async def test_a_request_that_comes_again_while_it_is_handled_counts_once(
    dispatcher: Dispatcher,
) -> None:
    both = await asyncio.gather(
        *(dispatcher.handle(ADA_JOINS, request="trigger:1") for _ in range(2))
    )

    assert [outcome.repeated for outcome in both] == [False, True]
    assert both[0].reply == both[1].reply


async def test_a_lost_acknowledgement_counts_as_answered_when_it_comes_again(
    dispatcher: Dispatcher, store: TroubledStore
) -> None:
    store.forgets["commit"] = [OutcomeUnknown("the line went dead")]
    with pytest.raises(OutcomeUnknown):
        await dispatcher.handle(ADA_JOINS, request="trigger:1")

    again = await dispatcher.handle(ADA_JOINS, request="trigger:1")

    assert again.repeated
    assert isinstance(again.reply, Joined)


async def test_an_answer_is_remembered_for_days_not_for_ever(
    dispatcher: Dispatcher, clock: Clock
) -> None:
    await dispatcher.handle(ADA_JOINS, request="trigger:1")
    clock.turn(days=8)

    assert not (await dispatcher.handle(ADA_JOINS, request="trigger:1")).repeated


async def test_who_listens_is_told_of_everything_committed_and_of_trouble(
    dispatcher: Dispatcher, store: TroubledStore
) -> None:
    told: list[Committed | str] = []
    dispatcher.listen(told.append)
    dispatcher.listen_for_trouble(lambda: told.append("trouble"))
    store.fails["commit"] = [StoreUnavailable("gone")]

    with pytest.raises(StoreUnavailable):
        await dispatcher.handle(ADA_JOINS)
    assert told == ["trouble"]
    assert isinstance(dispatcher.problem, StoreUnavailable)

    await dispatcher.handle(ADA_JOINS)
    (_, committed) = told
    assert isinstance(committed, Committed)
    assert [entry.driver for entry in committed.site.queue] == [ADA]
    assert dispatcher.problem is None


async def test_what_stations_and_time_tell_is_for_the_leader_alone(
    store: TroubledStore, clock: Clock
) -> None:
    """People are answered by every instance."""
    leadership = ScriptedLease()
    dispatcher = Dispatcher(store, clock=clock, rules=Rules(), leadership=leadership)

    with pytest.raises(Deposed):
        await dispatcher.handle(ClockTicked())
    assert dispatcher.problem is None
    assert isinstance((await dispatcher.handle(ADA_JOINS)).reply, Joined)
    leadership.term = 1
    await dispatcher.handle(ClockTicked())


async def test_what_another_instance_decided_is_told_once(
    dispatcher: Dispatcher, store: TroubledStore, clock: Clock
) -> None:
    told: list[Committed] = []
    dispatcher.listen(told.append)
    await Dispatcher(store, clock=clock, rules=Rules()).handle(ADA_JOINS)

    for _ in range(2):
        await dispatcher.catch_up()

    (committed,) = told
    assert committed.speaks
    assert [entry.driver for entry in committed.site.queue] == [ADA]


async def test_what_changes_nothing_is_not_written(
    dispatcher: Dispatcher, store: TroubledStore
) -> None:
    """The clock ticks all day long."""
    store.fails["commit"] = [StoreUnavailable("nothing should be written")]

    await dispatcher.handle(ClockTicked())
    await dispatcher.handle(ListRequested(asker=Asker(driver=ADA)))

    assert store.fails["commit"]


@pytest.mark.parametrize(
    ("error", "times", "words"),
    [
        (StoreUnavailable("gone"), 1, "can't get at the queue right now, so nothing was changed"),
        (Unreadable("damaged"), 1, "can't get at the queue right now, so nothing was changed"),
        (Conflict("again"), MOST_ATTEMPTS, "nothing was changed"),
        (OutcomeUnknown("?"), 1, "couldn't confirm `ev add`"),
    ],
)
async def test_a_person_is_told_in_plain_words_what_became_of_it(
    bot: Bot,
    opening: Opening,
    monkeypatch: pytest.MonkeyPatch,
    error: StoreError,
    times: int,
    words: str,
) -> None:
    monkeypatch.setattr("bot.dispatch.LONGEST_PAUSE_SECONDS", 0.0)
    for door in ("command", "message", "private"):
        opening.store.fails["request"] = [error] * times
        if door == "command":
            answer = await bot.neighbours.slack.command(ADA, " EV  add")
            assert answer is not None
            assert words in answer.text
        else:
            channel = dm_of(ADA) if door == "private" else "C0EVROOM"
            bot.neighbours.slack.say(ADA, "ev add", channel=channel)
            told = 1 if door == "command" else {"message": 2, "private": 3}[door]
            assert words in (await bot.neighbours.tells(ADA, words, times=told)).text
        assert not opening.store.fails["request"]
    assert await bot.queue() == []

    await bot.neighbours.slack.command(ADA, "add")
    assert await bot.queue() == [ADA]


async def test_a_button_is_answered_in_plain_words_too(bot: Bot, opening: Opening) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    await bot.quiet()
    opening.store.fails["commit"] = [StoreUnavailable("gone")]

    await bot.neighbours.press(ADA, card, "offer.leave")

    await bot.neighbours.tells(ADA, "can't get at the queue")
    assert await bot.queue() == [ADA]


async def test_a_person_is_told_before_slack_gives_up_and_the_work_goes_on(
    neighbours: Neighbours, opening: Opening
) -> None:
    async with at_work(neighbours, patience=replace(QUICK, answer=0.1), open_store=opening) as bot:
        opening.store.flowing.clear()

        answer = await neighbours.slack.command(ADA, "add")

        assert answer is not None
        assert "couldn't confirm `ev add` in time" in answer.text
        assert answer.only == ADA
        assert await bot.queue() == []
        opening.store.flowing.set()
        await until(bot.queue)


async def test_who_waits_behind_another_is_told_that_nothing_was_changed(
    neighbours: Neighbours, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.dispatch.ASKED_SECONDS", 0.1)
    async with at_work(neighbours, patience=replace(QUICK, answer=1.0), open_store=opening) as bot:
        opening.store.flowing.clear()

        first, second = await asyncio.gather(
            *(neighbours.slack.command(who, "add") for who in (ADA, GRACE))
        )

        assert first is not None
        assert second is not None
        assert "couldn't confirm `ev add` in time" in first.text
        assert "can't get at the queue" in second.text
        opening.store.flowing.set()
        await until(bot.queue)
        await bot.quiet()
        assert await bot.queue() == [ADA]


async def test_the_real_patience_is_shorter_than_slacks() -> None:
    assert replace(QUICK).answer <= 2.5
    assert ASKED_SECONDS < Patience().answer < 3


async def test_readiness_names_a_store_in_trouble_and_mends_by_itself(
    bot: Bot, opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    # More than all together ask for until each of them has.
    opening.store.fails = {"load": [StoreUnavailable("the disk is gone")] * 1000}

    async def put_off() -> bool:
        return bool(logged(caplog, "wake-up.waits"))

    await bot.neighbours.slack.command(ADA, "add")

    assert "the disk is gone" in (await bot.problems())["store"]
    await until(put_off)
    opening.store.fails.clear()
    await bot.ready()


async def test_an_outbox_that_cannot_be_read_is_named_too(bot: Bot, opening: Opening) -> None:
    opening.store.fails = {"outbox": [StoreUnavailable("the disk is gone")] * 3}

    async def named() -> bool:
        return "store" in await bot.problems()

    await until(named)
    await bot.ready()


async def test_a_deadline_that_was_perhaps_stored_is_kept(bot: Bot, opening: Opening) -> None:
    """Nobody said that it was stored, so nobody would wake up for it."""
    opening.store.forgets["commit"] = [OutcomeUnknown("the line went dead")]
    await bot.neighbours.slack.command(ADA, "add")
    opening.store.forgets["commit"] = [OutcomeUnknown("the line went dead")]

    await bot.neighbours.slack.command(ADA, "suspend 45")

    async def appointed() -> bool:
        job = bot.duties.scheduler._jobs.get_job("wake-up")
        if job is None:
            return False
        wait = job.next_run_time - bot.neighbours.clock.now()
        return bool(wait > timedelta(minutes=40))

    (entry,) = (await bot.site()).queue
    assert entry.suspended
    await until(appointed)


async def test_a_lost_station_event_is_made_up_for_by_a_reading(bot: Bot, opening: Opening) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    opening.store.fails["commit"] = [StoreUnavailable("gone")] * 2

    bot.neighbours.leave()

    await bot.neighbours.hears("<@U0ADA>")
