"""A bot that is stopped and started again carries on where it was, in the middle of anything."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from playground.slack.faults import Break, Hang, Refuse
from playground.slack.workspace import dm_of
from playground.soap import EVERY_OPERATION, Trouble
from tests.bot.office import (
    ADA,
    ADAS_CAR,
    ALAN,
    EAST,
    GRACE,
    QUICK,
    WEST,
    Bot,
    Gate,
    Neighbours,
    at_work,
    logged,
    until,
)


async def test_the_queue_its_order_and_its_suspensions_survive(neighbours: Neighbours) -> None:
    async with at_work(neighbours) as bot:
        for driver in (GRACE, ADA, ALAN):
            await neighbours.slack.command(driver, "add")
        await neighbours.slack.command(ADA, "suspend 45")
        before = await bot.site()

    async with at_work(neighbours) as bot:
        assert (await bot.site()).queue == before.queue
        assert await bot.queue() == [GRACE, ADA, ALAN]


async def test_a_call_that_was_not_posted_is_posted_by_the_next_one(
    neighbours: Neighbours,
) -> None:
    faults = neighbours.slack.web_api.faults
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        faults.add("chat.postMessage", Break(500), times=10_000)
        neighbours.leave(EAST)
        await until(bot.called)
    faults.clear()
    assert neighbours.room() == neighbours.room("joined")

    async with at_work(neighbours) as bot:
        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()
        assert len(neighbours.room("<@U0ADA>")) == 1


async def test_an_offer_goes_on_under_the_next_one(neighbours: Neighbours) -> None:
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, f"register {ADAS_CAR}")
        await neighbours.slack.command(ADA, "add")
        neighbours.leave(EAST)
        card = await neighbours.hears("<@U0ADA>")
        await neighbours.tells(ADA, "It's your turn")
        before = (await bot.site()).offers

    async with at_work(neighbours) as bot:
        assert (await bot.site()).offers == before
        await neighbours.press(ADA, card, "offer.on_my_way")
        assert (await neighbours.hears("on the way")).ts == card.ts

    async with at_work(neighbours) as bot:
        neighbours.plug_in(EAST, user=ADAS_CAR)
        assert (await neighbours.hears("plugged in at")).ts == card.ts
        await bot.quiet()
        assert await bot.queue() == []
        assert len(neighbours.room("<@U0ADA>")) == 1


async def test_what_ran_out_while_nobody_was_there_has_run_out(
    neighbours: Neighbours,
) -> None:
    async with at_work(neighbours):
        for driver in (ADA, GRACE):
            await neighbours.slack.command(driver, "add")
        neighbours.leave(EAST)
        await neighbours.tells(ADA, "It's your turn")
    neighbours.clock.turn(hours=3)

    async with at_work(neighbours) as bot:
        # Nobody could see the charger meanwhile, so Ada gets some minutes more.
        assert (await bot.site()).offers
        neighbours.clock.turn(minutes=6)
        await bot.tick()
        await neighbours.hears("<@U0GRACE>")
        await neighbours.tells(ADA, "couldn't reach you in time")
        assert await bot.queue() == [ADA, GRACE]


async def test_a_suspension_that_ended_while_nobody_was_there_has_ended(
    neighbours: Neighbours,
) -> None:
    async with at_work(neighbours):
        await neighbours.slack.command(ADA, "add")
        await neighbours.slack.command(ADA, "suspend 45")
    neighbours.clock.turn(minutes=46)

    async with at_work(neighbours):
        neighbours.leave(EAST)
        await neighbours.hears("<@U0ADA>")


async def test_what_the_cars_did_while_nobody_was_there_has_been_done(
    neighbours: Neighbours,
) -> None:
    async with at_work(neighbours):
        await neighbours.slack.command(GRACE, f"register {ADAS_CAR}")
        for driver in (GRACE, ADA):
            await neighbours.slack.command(driver, "add")
    neighbours.leave(EAST)
    neighbours.leave(WEST)
    neighbours.plug_in(WEST, user=ADAS_CAR)

    async with at_work(neighbours) as bot:
        await neighbours.hears("<@U0ADA>")
        await bot.quiet()
        assert await bot.queue() == [ADA]


async def test_the_next_wake_up_is_computed_anew_though_chargepoint_is_silent(
    neighbours: Neighbours,
) -> None:
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        await neighbours.slack.command(ADA, "suspend 45")
        before = _wake_up(bot)
    assert before is not None
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.HANGS

    async with at_work(neighbours, ready=False) as bot:

        async def appointed() -> bool:
            return _wake_up(bot) == before

        await until(appointed)


async def test_a_press_on_the_buttons_of_a_former_life_counts_once(
    neighbours: Neighbours,
) -> None:
    """What Slack brings again may come to the next process."""
    neighbours.slack.backend.triggers.issue = lambda: "1.2.same"  # type: ignore[method-assign] # Slack brings it twice
    async with at_work(neighbours):
        first = await neighbours.slack.command(ADA, "add")

    async with at_work(neighbours) as bot:
        again = await neighbours.slack.command(ADA, "add")
        assert first is not None
        assert again is not None
        assert again.text == first.text
        assert await bot.queue() == [ADA]


async def test_a_stop_lets_the_message_on_its_way_arrive(neighbours: Neighbours) -> None:
    """Cut off between Slack's taking it and our noting that, it would be said again."""
    async with at_work(neighbours) as bot:
        await neighbours.slack.command(ADA, "add")
        gate = Gate(bot.office._slack)
        neighbours.leave(EAST)
        await gate.reached.wait()
        bot.told.set()
        await until(_stopping(bot))
        gate.opened.set()
    assert len(neighbours.room("<@U0ADA>")) == 1

    async with at_work(neighbours) as bot:
        await neighbours.tells(ADA, "It's your turn")
        await bot.quiet()
        assert len(neighbours.room("<@U0ADA>")) == 1


async def test_a_stop_lets_an_answer_under_way_arrive(neighbours: Neighbours) -> None:
    async with at_work(neighbours) as bot:
        gate = Gate(bot.office._slack)
        neighbours.slack.say(ADA, "ev add\nev suspend")
        await gate.reached.wait()
        bot.told.set()
        await until(_stopping(bot))
        gate.opened.set()

    assert len(neighbours.room("joined")) == 1
    assert len(neighbours.room("lets others go ahead")) == 1


async def test_a_stop_does_not_wait_for_ever(neighbours: Neighbours) -> None:
    patience = replace(QUICK, requests=0.1, finish=0.1)
    async with at_work(neighbours, patience=patience) as bot:
        neighbours.slack.web_api.faults.add("chat.postMessage", Hang(), times=100)
        await neighbours.slack.command(ADA, "add", channel=dm_of(ADA))
        begun = asyncio.get_running_loop().time()
        bot.told.set()

    assert asyncio.get_running_loop().time() - begun < 3


async def test_a_stop_does_not_wait_for_slacks_good_bye(by_socket: Neighbours) -> None:
    by_socket.slack.sockets.parts.clear()
    async with at_work(by_socket, patience=replace(QUICK, flush=0.1)) as bot:
        assert bot.office._app is not None
        socket = bot.office._app._socket
        bot.told.set()

    assert socket is not None
    assert socket.client.aiohttp_client_session.closed


@pytest.mark.parametrize("error", ["invalid_auth", "internal_error"])
async def test_a_token_that_slack_refuses_is_named_until_it_is_mended(
    neighbours: Neighbours, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    neighbours.slack.web_api.faults.add("auth.test", Refuse(error), times=4)
    async with at_work(neighbours, ready=False) as bot:

        async def named() -> bool:
            return error in (await bot.problems()).get("slack", "")

        await until(named)
        assert error in logged(caplog, "slack.unreachable")[0]["why"]
        await bot.ready()
        assert await neighbours.slack.command(ADA, "add") is not None


async def test_a_socket_that_is_lost_is_named_and_mended(by_socket: Neighbours) -> None:
    slack = by_socket.slack
    async with at_work(by_socket) as bot:
        slack.web_api.faults.add("apps.connections.open", Refuse("invalid_auth"), times=2)
        await slack.sockets.drop()

        await until(_deaf(bot))
        await bot.ready()
        await slack.workspace.until(lambda _: slack.sockets.connected)
        answer = await slack.command(ADA, "add")
        assert answer is not None
        assert "joined" in answer.text


async def test_a_socket_that_slacks_library_does_not_mend_is_built_anew(
    by_socket: Neighbours,
) -> None:
    """It holds on to an address that Slack takes only once."""
    async with at_work(by_socket, patience=replace(QUICK, socket=0.1)) as bot:
        assert bot.office._app is not None
        lost = bot.office._app._socket
        assert lost is not None
        lost.client.closed = True

        async def built_anew() -> bool:
            return bot.office._app is not None and bot.office._app._socket is not lost

        await until(built_anew)
        await bot.ready()
        assert await by_socket.slack.command(ADA, "add") is not None


async def test_a_wrong_app_token_is_named(by_socket: Neighbours) -> None:
    settings = by_socket.settings(SLACK_APP_TOKEN="xapp-another")
    async with at_work(by_socket, ready=False, settings=settings) as bot:
        await until(_deaf(bot))


def _stopping(bot: Bot) -> Callable[[], Awaitable[bool]]:
    async def is_stopping() -> bool:
        return bot.duties.relay._stopped.is_set()

    return is_stopping


def _deaf(bot: Bot) -> Callable[[], Awaitable[bool]]:
    async def is_deaf() -> bool:
        return "Socket Mode" in (await bot.problems()).get("slack", "")

    return is_deaf


def _wake_up(bot: Bot) -> object:
    job = bot.duties.scheduler._jobs.get_job("wake-up")
    return job and job.next_run_time


async def test_what_the_socket_brings_during_a_stop_is_answered(by_socket: Neighbours) -> None:
    """A command that is not answered in time has failed, though another instance could have."""
    async with at_work(by_socket) as bot, asyncio.TaskGroup() as group:
        by_socket.slack.web_api.faults.add("users.info", Hang())
        begun = group.create_task(by_socket.slack.command(ADA, "add"))
        await until(bot.queue)
        bot.told.set()
        during = await by_socket.slack.command(GRACE, "list")

    assert during is not None
    assert "Queue" in during.text
    assert (answer := begun.result()) is not None
    assert "joined" in answer.text
