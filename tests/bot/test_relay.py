"""What was decided is said, in its order, whatever Slack does; nothing is lost, nothing blocks."""

import asyncio
from collections.abc import Sized
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot.blocks import Message
from bot.effects import CallDriver, Effect
from bot.events import Asker, JoinRequested
from bot.messages import Reader, render
from bot.relay import Rest
from playground.slack.faults import Break, Fault, Hang, Limit, LoseAnswer, Refuse, Reset
from playground.slack.workspace import dm_of
from queue_store.errors import Deposed, OutcomeUnknown, StoreError, StoreUnavailable
from queue_store.store import Commit, OutboxRow, QueueStore
from tests.bot.office import (
    ADA,
    ADAS_CAR,
    ALAN,
    EAST,
    GRACE,
    GRACES_CAR,
    HEDY,
    QUICK,
    WEST,
    Bot,
    Gate,
    Neighbours,
    at_work,
    logged,
    until,
)
from tests.bot.troubled import Opening

IMPATIENT = replace(QUICK, call=0.2)


async def test_a_plug_out_calls_the_driver_in_the_room_and_in_private(either: Bot) -> None:
    neighbours = either.neighbours
    await neighbours.slack.command(ADA, "add")

    neighbours.leave(EAST)

    card = await neighbours.hears("<@U0ADA>")
    private = await neighbours.tells(ADA, "It's your turn")
    assert ADA in card.notifies
    assert private.channel == dm_of(ADA)
    assert await either.called() == [ADA]


async def test_a_plug_in_edits_the_card_and_takes_the_driver_off_the_queue(bot: Bot) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, f"register {ADAS_CAR}")
    await neighbours.slack.command(ADA, "add")
    neighbours.leave(EAST)
    card = await neighbours.hears("<@U0ADA>")
    await neighbours.tells(ADA, "It's your turn")

    neighbours.plug_in(EAST, user=ADAS_CAR)

    edited = await neighbours.hears("plugged in at")
    await bot.quiet()
    assert edited.ts == card.ts
    assert await bot.queue() == await bot.called() == []
    assert len(neighbours.room("<@U0ADA>")) == 1


async def test_a_call_does_not_wait_for_the_next_look_into_the_outbox(
    neighbours: Neighbours,
) -> None:
    """A free charger is a matter of seconds."""
    async with at_work(neighbours, patience=replace(QUICK, outbox=3600)):
        await neighbours.slack.command(ADA, "add")

        neighbours.leave(EAST)

        await neighbours.tells(ADA, "It's your turn")


async def test_k_free_ports_call_k_drivers_in_their_order(bot: Bot) -> None:
    for driver in (ADA, GRACE, ALAN):
        await bot.neighbours.slack.command(driver, "add")

    bot.neighbours.leave(EAST)
    bot.neighbours.leave(WEST)

    await bot.neighbours.hears("<@U0GRACE>")
    await bot.quiet()
    assert [each.notifies for each in bot.neighbours.room("Go and plug in")] == [(ADA,), (GRACE,)]


async def test_the_deadline_runs_from_the_post(neighbours: Neighbours) -> None:
    """While Slack is down nobody can have been called, so nobody can be late."""
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", Break(500), times=10_000)
        neighbours.leave(EAST)
        await until(bot.called)
        neighbours.clock.turn(minutes=60)
        await bot.tick()
        assert await bot.called() == [ADA]

        neighbours.slack.web_api.faults.clear()
        await neighbours.tells(ADA, "It's your turn")

        (offer,) = (await bot.site()).offers
        assert offer.deadline is not None
        assert 590 < (offer.deadline - neighbours.clock.now()).total_seconds() <= 600
        neighbours.clock.turn(minutes=11)
        await bot.tick()
        await neighbours.hears("couldn't make it")
        assert await bot.called() == []


@pytest.mark.parametrize(
    "fault",
    [
        Break(500),
        Break(503),
        Break(403),
        Break(200),
        Hang(),
        Reset(),
        Limit(0),
        Refuse("internal_error"),
        Refuse("not_in_channel"),
        Refuse("channel_not_found"),
        Refuse("invalid_auth"),
        Refuse("missing_scope"),
        Refuse("restricted_action"),
    ],
    ids=str,
)
async def test_nothing_is_lost_while_slack_takes_nothing(
    neighbours: Neighbours, fault: Fault
) -> None:
    async with at_work(neighbours, patience=IMPATIENT) as bot:
        await neighbours.slack.command(ADA, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", fault, times=2)

        neighbours.leave(EAST)

        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()
        assert len(neighbours.room("<@U0ADA>")) == 1


@pytest.mark.parametrize("error", ["not_in_channel", "token_revoked", "fatal_error"])
async def test_readiness_names_what_an_administrator_has_to_mend(
    neighbours: Neighbours, error: str
) -> None:
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", Refuse(error), times=10_000)
        neighbours.leave(EAST)

        async def named() -> bool:
            return error in (await bot.problems()).get("slack", "")

        await until(named)
        neighbours.slack.web_api.faults.clear()

        await neighbours.hears("<@U0ADA>")
        await bot.ready()


async def test_a_rate_limit_is_waited_for_and_the_order_is_kept(
    neighbours: Neighbours,
) -> None:
    async with at_work(neighbours) as bot:
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1))
        limited = asyncio.get_running_loop().time()

        neighbours.leave(EAST)
        neighbours.leave(WEST)

        await neighbours.hears("<@U0GRACE>")
        assert asyncio.get_running_loop().time() - limited >= 1
        await bot.quiet()
        assert [each.notifies for each in neighbours.room("<@")] == [(ADA,), (GRACE,)]


@pytest.mark.parametrize("error", ["user_not_found", "channel_not_found", "cannot_dm_bot"])
async def test_a_driver_who_cannot_be_written_to_does_not_block_the_others(
    neighbours: Neighbours, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody who left the company must not silence the bot."""
    async with at_work(neighbours) as bot:
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.leave(EAST)
        await neighbours.tells(ADA, "It's your turn")
        neighbours.slack.web_api.faults.add("chat.postMessage", Refuse(error))

        await neighbours.slack.command(ADA, "next")

        await neighbours.hears("<@U0GRACE>")
        await bot.quiet()
        (refused,) = logged(caplog, "relay.refused")
        assert error in refused["why"]
        assert await bot.problems() == {}


async def test_a_call_that_slack_refuses_for_good_still_ends(
    neighbours: Neighbours, caplog: pytest.LogCaptureFixture
) -> None:
    """An offer whose clock never starts would hold its port for ever."""
    async with at_work(neighbours) as bot:
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", Refuse("invalid_blocks"))

        neighbours.leave(EAST)

        await neighbours.tells(ADA, "It's your turn")
        (refused,) = logged(caplog, "relay.refused")
        assert "invalid_blocks" in refused["why"]
        neighbours.clock.turn(minutes=11)
        await bot.tick()
        await neighbours.hears("<@U0GRACE>")


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_a_card_that_cannot_be_edited_any_more_blocks_nothing(bot: Bot, error: str) -> None:
    for driver in (ADA, GRACE):
        await bot.neighbours.slack.command(driver, "add")
    bot.neighbours.leave(EAST)
    card = await bot.neighbours.hears("<@U0ADA>")
    bot.neighbours.slack.web_api.faults.add("chat.update", Refuse(error))

    await bot.neighbours.press(ADA, card, "offer.not_now")

    await bot.neighbours.hears("<@U0GRACE>")
    await bot.quiet()
    assert await bot.problems() == {}
    assert await bot.office._store.refused(now=bot.neighbours.clock.now()) == ()


async def test_a_card_that_was_deleted_blocks_nothing(bot: Bot) -> None:
    for driver in (ADA, GRACE):
        await bot.neighbours.slack.command(driver, "add")
    bot.neighbours.leave(EAST)
    card = await bot.neighbours.hears("<@U0ADA>")
    await bot.neighbours.tells(ADA, "It's your turn")
    bot.neighbours.slack.workspace.delete(card.ts)

    await bot.neighbours.slack.command(ADA, "remove")

    await bot.neighbours.hears("<@U0GRACE>")


async def test_names_that_slack_does_not_tell_hold_up_no_call(neighbours: Neighbours) -> None:
    """A turn is worth more than a nice name."""
    async with at_work(neighbours, patience=replace(QUICK, names=0.05)) as bot:
        neighbours.slack.web_api.faults.add("users.info", Hang(), times=1000)
        answer = await neighbours.slack.command(ADA, "add")
        await neighbours.slack.command(GRACE, "add")
        neighbours.leave(EAST)

        await neighbours.hears("<@U0ADA>")
        assert answer is not None
        assert "U0ADA joined" in answer.text
        assert await bot.called() == [ADA]


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), OutcomeUnknown("who knows")], ids=str)
async def test_a_store_in_trouble_makes_no_call_twice(
    neighbours: Neighbours, error: StoreError
) -> None:
    """Slack has taken it; only the note of that is missing."""
    opening = Opening()
    async with at_work(neighbours, open_store=opening) as bot:
        await neighbours.slack.command(ADA, "add")
        posting = neighbours.slack.web_api.faults
        posting.add("chat.postMessage", Break(500), times=10_000)
        neighbours.leave(EAST)
        await until(bot.called)
        opening.store.fails = {"commit": [error] * 3, "discharge": [error] * 3}
        posting.clear()

        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()

        assert len(neighbours.room("<@U0ADA>")) == 1
        assert len(neighbours.told(ADA, "It's your turn")) == 1


async def test_a_row_that_cannot_be_read_is_left_for_a_newer_version_and_blocks_nothing(
    neighbours: Neighbours, caplog: pytest.LogCaptureFixture
) -> None:
    """Two versions are at work while one is being deployed, and a deploy may be taken back."""
    async with at_work(neighbours) as bot:
        store, now = bot.office._store, neighbours.clock.now()
        stored = await store.load()
        unknown = (b'{"type": "FromTheFuture"}', b"\xff")
        await store.commit(Commit(site=stored.site, seen=stored.revision, now=now, bodies=unknown))
        await neighbours.slack.command(ADA, "add")
        neighbours.leave(EAST)

        await neighbours.tells(ADA, "It's your turn")
        await until(lambda: _count(store, 2))
        assert len(logged(caplog, "relay.unreadable")) == 2

        neighbours.clock.turn(minutes=61)
        bot.duties.relay.wake()
        await until(lambda: _count(store, 0))
        assert len(await store.refused(now=neighbours.clock.now())) == 2


async def test_what_slack_took_without_saying_so_is_not_said_again(bot: Bot) -> None:
    """The answer was lost on its way; the message stands in the room."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", LoseAnswer(), times=2)

    neighbours.leave(EAST)

    await until(bot.called)
    await bot.quiet()
    assert len(neighbours.room("<@U0ADA>")) == 1
    assert len(neighbours.told(ADA, "It's your turn")) == 1
    (offer,) = (await bot.site()).offers
    assert offer.deadline is not None


async def test_where_the_history_may_not_be_read_it_is_said_again_and_counted(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Twice is better than never."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("conversations.history", Refuse("missing_scope"))
    neighbours.slack.web_api.faults.add("chat.postMessage", LoseAnswer())

    neighbours.leave(EAST)

    await neighbours.tells(ADA, "It's your turn")
    await bot.quiet()
    assert len(neighbours.room("<@U0ADA>")) == 2
    assert len(logged(caplog, "relay.may_repeat")) == 1


@pytest.mark.parametrize("error", ["method_not_supported_for_channel_type", "invalid_arguments"])
async def test_a_history_that_refuses_to_be_read_is_no_refusal_of_the_call(
    bot: Bot, error: str
) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("conversations.history", Refuse(error), times=10)
    neighbours.slack.web_api.faults.add("chat.postMessage", Break(503))

    neighbours.leave(EAST)

    await neighbours.hears("<@U0ADA>")
    await neighbours.tells(ADA, "It's your turn")
    assert not await bot.office._store.refused(now=neighbours.clock.now())


async def test_a_history_in_trouble_is_waited_for(bot: Bot) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", LoseAnswer())
    neighbours.slack.web_api.faults.add("conversations.history", Break(503), times=3)

    neighbours.leave(EAST)

    await neighbours.tells(ADA, "It's your turn")
    await bot.quiet()
    assert len(neighbours.room("<@U0ADA>")) == 1


async def test_what_was_certainly_not_taken_is_not_looked_for(bot: Bot) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", Limit(0))

    neighbours.leave(EAST)

    await neighbours.tells(ADA, "It's your turn")
    assert "conversations.history" not in {call.method for call in neighbours.slack.web_api.calls}


async def test_what_a_dead_process_said_is_not_said_again(neighbours: Neighbours) -> None:
    """It died between Slack's taking it and the note of that."""
    opening = Opening()
    async with at_work(neighbours, open_store=opening) as bot:
        await neighbours.slack.command(ADA, "add")
        opening.store.fails["delivered"] = [StoreUnavailable("gone")] * 1000
        neighbours.leave(EAST)
        await neighbours.hears("<@U0ADA>")
        bot.office._leader.stop()

    async with at_work(neighbours) as bot:
        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()
        assert len(neighbours.room("<@U0ADA>")) == 1
        (offer,) = (await bot.site()).offers
        assert offer.deadline is not None


async def test_a_full_room_holds_up_no_private_word(neighbours: Neighbours) -> None:
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, f"register {ADAS_CAR}")
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.leave(EAST)
        await neighbours.tells(ADA, "It's your turn")
        neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))

        await neighbours.slack.command(GRACE, "next", channel=dm_of(GRACE))
        await neighbours.slack.command(HEDY, "add", channel=dm_of(HEDY))
        neighbours.clock.turn(minutes=6)
        await neighbours.slack.command(GRACE, "next", channel=dm_of(GRACE))

        await neighbours.tells(ADA, "Grace Hopper")
        assert not neighbours.room("<@U0GRACE>")
        assert "ratelimited" in (await bot.problems())["slack"]


async def test_an_edit_that_waits_for_its_card_keeps_nobody_busy(bot: Bot) -> None:
    """A relay that looks again at once, for ever, would starve everything else."""
    neighbours, relay, rests = bot.neighbours, bot.duties.relay, list[Rest]()
    sweep = relay.sweep

    async def noted() -> Rest:
        rests.append(await sweep())
        return rests[-1]

    relay.sweep = noted  # type: ignore[method-assign] # only listens
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))
    neighbours.leave(EAST)
    await until(lambda: _begun(bot))

    await neighbours.slack.command(ADA, "suspend")
    await until(lambda: _waits(bot.office._store, b"UpdateCall"))

    rests.clear()
    await until(lambda: _at_least(rests, 3))
    assert {rest.seconds for rest in rests[1:]} == {QUICK.outbox}


async def test_an_edit_that_waits_for_its_card_holds_up_no_other_edit(bot: Bot) -> None:
    neighbours = bot.neighbours
    for driver in (ADA, ALAN, GRACE):
        await neighbours.slack.command(driver, "add")
    neighbours.leave(EAST)
    neighbours.leave(WEST)
    card = await neighbours.hears("<@U0ALAN>")
    await neighbours.tells(ALAN, "It's your turn")
    neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))
    await neighbours.slack.command(ADA, "suspend", channel=dm_of(ADA))
    await until(lambda: _waits(bot.office._store, b"CallDriver"))
    await neighbours.slack.command(GRACE, "suspend", channel=dm_of(GRACE))
    await until(lambda: _waits(bot.office._store, b"UpdateCall"))

    await neighbours.press(ALAN, card, "offer.on_my_way")

    edited = await neighbours.hears("is on the way")
    assert edited.ts == card.ts


async def test_a_card_shows_in_the_end_what_was_decided_last(neighbours: Neighbours) -> None:
    """An edit beside a call is said before an earlier edit that is alone."""
    faults = neighbours.slack.web_api.faults
    async with at_work(neighbours) as bot:
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.leave(EAST)
        card = await neighbours.hears("<@U0ADA>")
        await bot.quiet()
        for method in ("chat.update", "chat.postMessage"):
            faults.add(method, Break(500), times=10_000)
        await neighbours.press(ADA, card, "offer.on_my_way")
        await neighbours.slack.command(ADA, "remove")
        await until(lambda: _waits(bot.office._store, b"CallDriver"))
    faults.clear()

    async with at_work(neighbours) as bot:
        await neighbours.hears("<@U0GRACE>")
        await bot.quiet()
        assert "left the queue" in neighbours.slack.workspace.message(card.ts).text


async def test_a_call_that_was_moved_before_it_was_heard_names_the_port_that_is_held(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Two drivers would be called to one port."""
    neighbours = bot.neighbours
    await neighbours.slack.command(GRACE, f"register {GRACES_CAR}")
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", Break(503), times=10_000)
    neighbours.leave(EAST)
    await until(bot.called)
    neighbours.leave(WEST)
    await until(lambda: _waits(bot.office._store, b"AnnounceFree"))

    neighbours.plug_in(EAST, user=GRACES_CAR)
    await until(lambda: _waits(bot.office._store, b"TellMoved"))
    # Whatever was on its way has come to nothing by then.
    tried = len(logged(caplog, "relay.waits"))
    await until(lambda: _at_least(logged(caplog, "relay.waits"), tried + 3))
    neighbours.slack.web_api.faults.clear()

    card = await neighbours.hears("<@U0ADA>")
    (offer,) = (await bot.site()).offers
    held = (await bot.site()).port(offer.port)
    assert held is not None
    assert held.name in card.text
    assert (await neighbours.hears("is held for you now")).ts == card.ts
    await neighbours.tells(ADA, "It's your turn")


async def test_a_notice_that_quiet_hours_overtook_is_given_when_they_end(
    neighbours: Neighbours,
) -> None:
    """What is still true then is said then, and holds up nothing meanwhile."""
    now = neighbours.clock.now().astimezone(ZoneInfo("America/Los_Angeles"))
    begin, end = (now + timedelta(hours=hours) for hours in (1, 3))
    settings = neighbours.settings(QUIET_HOURS=f"{begin:%H:%M}-{end:%H:%M}")
    async with at_work(neighbours, settings=settings) as bot:
        neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))
        neighbours.leave(EAST)
        await until(lambda: _waits_for_slack(bot))
        neighbours.clock.turn(hours=2)

        await neighbours.slack.command(ADA, "pause west", channel=dm_of(ADA))
        await neighbours.hears("holds")
        assert not [each for each in neighbours.room() if "free" in each.text]

        neighbours.clock.turn(hours=2)
        await bot.tick()
        await neighbours.hears("free")
        await bot.quiet()
        assert len(neighbours.room("free")) == 1


async def test_a_notice_that_is_no_longer_so_is_not_given(bot: Bot) -> None:
    neighbours = bot.neighbours
    faults = neighbours.slack.web_api.faults
    faults.add("chat.postMessage", Refuse("not_in_channel"), times=10_000)
    neighbours.leave(EAST)
    await until(lambda: _count(bot.office._store, 1))

    neighbours.plug_in(EAST, user=None)

    async def is_taken() -> bool:
        return any(port.session for port in (await bot.site()).ports if port.station.endswith("1"))

    await until(is_taken)
    # A look that began before would still tell it.
    await until(lambda: _count(bot.office._store, 0))
    faults.clear()
    await bot.quiet()
    assert neighbours.room("is free") == []


async def test_what_slack_refuses_for_good_is_kept_for_an_administrator(bot: Bot) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.slack.web_api.faults.add("chat.postMessage", Refuse("invalid_blocks"))

    neighbours.leave(EAST)

    await neighbours.tells(ADA, "It's your turn")
    (kept,) = await bot.office._store.refused(now=neighbours.clock.now())
    assert b"CallDriver" in kept.body
    assert "invalid_blocks" in kept.why


async def test_a_leader_whose_time_is_up_says_nothing(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Its process may have been asleep between the note and the message."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    bot.duties.relay._leads = lambda: False

    neighbours.leave(EAST)

    await until(lambda: _at_least(logged(caplog, "relay.waits"), 2))
    assert await _begun(bot)
    assert neighbours.room("<@U0ADA>") == []
    bot.duties.relay._leads = lambda: True
    await neighbours.tells(ADA, "It's your turn")
    assert len(neighbours.room("<@U0ADA>")) == 1


async def test_who_does_not_lead_any_more_edits_nothing(bot: Bot) -> None:
    """A later leader may have shown on the card already what came after."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.leave(EAST)
    await neighbours.tells(ADA, "It's your turn")
    bot.duties.relay._leads = lambda: False

    await neighbours.press(ADA, neighbours.room("<@U0ADA>")[0], "offer.on_my_way")

    await until(lambda: _failed(bot))
    assert neighbours.room("on the way") == []
    bot.duties.relay._leads = lambda: True
    await neighbours.hears("on the way")


async def _failed(bot: Bot) -> bool:
    return isinstance(bot.duties.relay.problem, Deposed)


async def _at_least(seen: Sized, times: int) -> bool:
    return len(seen) >= times


async def _count(store: QueueStore, rows: int) -> bool:
    return len(await store.outbox()) == rows


async def _waits(store: QueueStore, words: bytes) -> bool:
    return any(words in row.body for row in await store.outbox())


async def _waits_for_slack(bot: Bot) -> bool:
    return "ratelimited" in (await bot.problems()).get("slack", "")


async def _begun(bot: Bot) -> bool:
    return any(row.begun for row in await bot.office._store.outbox())


async def test_a_fault_of_ours_is_named_and_stops_nothing_else(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        broken = bot.duties.relay._slack
        post = type(broken).post

        async def stumble(*_: object, **__: object) -> tuple[str, str]:
            raise KeyError("channel")

        monkeypatch.setattr(type(broken), "post", stumble)
        neighbours.leave(EAST)

        async def named() -> bool:
            return "slack" in await bot.problems()

        await until(named)
        assert await neighbours.slack.command(GRACE, "list") is not None
        monkeypatch.setattr(type(broken), "post", post)
        await neighbours.hears("<@U0ADA>")


async def test_what_we_stumble_over_silences_nothing_else_and_is_given_up_in_the_end(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours in the words of one message, which no repetition mends."""

    def stumble(effect: Effect, reader: Reader) -> Message:
        if isinstance(effect, CallDriver) and effect.driver == ADA:
            raise KeyError(effect.port)
        return render(effect, reader)

    monkeypatch.setattr("bot.relay.render", stumble)
    neighbours = bot.neighbours
    for driver in (ADA, GRACE):
        await neighbours.slack.command(driver, "add")
    neighbours.leave(EAST)
    neighbours.leave(WEST)

    await neighbours.tells(GRACE, "It's your turn")
    assert "slack" in await bot.problems()
    assert len(logged(caplog, "relay.failed")) == 1

    neighbours.clock.turn(minutes=61)
    await neighbours.tells(ADA, "It's your turn")
    (kept,) = await bot.office._store.refused(now=neighbours.clock.now())
    assert b"CallDriver" in kept.body
    await bot.ready()


async def test_a_port_that_came_free_again_and_again_is_announced_once(bot: Bot) -> None:
    """Only the last is news when the room takes messages again."""
    neighbours = bot.neighbours
    await neighbours.slack.command(GRACE, f"register {GRACES_CAR}")
    neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))
    for announced in (1, 2):
        neighbours.leave(EAST)
        await until(partial(_count, bot.office._store, announced))
        await until(lambda: _waits_for_slack(bot))
        neighbours.clock.turn(minutes=6)
        neighbours.plug_in(EAST, user=GRACES_CAR)
        await until(lambda: _is_taken(bot))
    neighbours.leave(EAST)
    await until(partial(_count, bot.office._store, 3))

    neighbours.clock.turn(minutes=8)

    await neighbours.hears("is free")
    await bot.quiet()
    assert len(neighbours.room("is free")) == 1


async def test_a_call_decided_during_a_message_goes_before_the_notices_that_wait(bot: Bot) -> None:
    neighbours, gate = bot.neighbours, Gate(bot.office._slack)
    await neighbours.slack.command(GRACE, "add", channel=dm_of(GRACE))
    await gate.reached.wait()
    await neighbours.slack.command(GRACE, "suspend", channel=dm_of(GRACE))
    await neighbours.slack.command(ADA, "add", channel=dm_of(ADA))
    gate.let_one_through()
    await gate.reached.wait()
    neighbours.leave(EAST)
    await until(bot.called)

    gate.opened.set()

    await neighbours.hears("Ada Lovelace joined")
    said = [each.text for each in neighbours.room()]
    assert "lets others go ahead" in said[1]
    assert "<@U0ADA>" in said[2]


async def test_what_is_decided_during_a_look_is_not_taken_for_old_news(bot: Bot) -> None:
    """The site is read after the rows, or the call of an offer that it doesn't know were lost."""
    neighbours, store = bot.neighbours, bot.office._store
    neighbours.leave(EAST)
    await neighbours.hears("is free")
    await bot.quiet()
    outbox, calls = store.outbox, [JoinRequested(asker=Asker(driver=ADA, in_room=True))]

    async def late() -> tuple[OutboxRow, ...]:
        if calls:
            await bot.office._dispatcher.handle(calls.pop())
        return await outbox()

    store.outbox = late  # type: ignore[method-assign] # only hesitates

    await neighbours.hears("<@U0ADA>")


async def test_a_store_in_trouble_repeats_nothing_where_the_history_may_not_be_read(
    neighbours: Neighbours,
) -> None:
    opening = Opening()
    async with at_work(neighbours, open_store=opening) as bot:
        await neighbours.slack.command(ADA, "add")
        faults = neighbours.slack.web_api.faults
        faults.add("conversations.history", Refuse("missing_scope"), times=1000)
        opening.store.fails["delivered"] = [StoreUnavailable("gone")] * 3

        neighbours.leave(EAST)

        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()
        assert len(neighbours.room("<@U0ADA>")) == 1


async def test_a_call_that_was_over_before_it_was_found_is_shown_to_be_over(bot: Bot) -> None:
    """Slack took it, its answer was lost, and it must not stand there for ever."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    faults = neighbours.slack.web_api.faults
    faults.add("chat.postMessage", LoseAnswer())
    faults.add("conversations.history", Break(503), times=10_000)
    neighbours.leave(EAST)
    card = await neighbours.hears("<@U0ADA>")
    await neighbours.slack.command(ADA, "suspend")
    await until(lambda: _waits(bot.office._store, b"UpdateCall"))

    faults.clear()

    await bot.quiet()
    assert "not now" in neighbours.slack.workspace.message(card.ts).text


async def test_who_stops_says_what_may_be_said_and_does_not_wait_for_the_rest(
    neighbours: Neighbours,
) -> None:
    """A full room is not worth the ten seconds of a stop, a message every moment is."""
    patience = replace(QUICK, outbox=3600, pace=0.4, flush=5.0)
    async with at_work(neighbours, patience=patience) as bot:
        for words in ("add", "suspend", "resume", "suspend", "resume", "leave"):
            await neighbours.slack.command(ADA, words, channel=dm_of(ADA))
    assert len(neighbours.room()) == 6

    async with at_work(neighbours, patience=patience) as bot:
        neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1000))
        await neighbours.slack.command(ADA, "add", channel=dm_of(ADA))
        await until(lambda: _waits_for_slack(bot))
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < patience.flush


async def _is_taken(bot: Bot) -> bool:
    (port,) = (port for port in (await bot.site()).ports if port.station == EAST.station)
    return port.session is not None
