"""What /readyz tells beside what is wrong: true, on every instance, and of nobody in particular."""

import asyncio
import json
from typing import Any

from playground.slack.faults import Hang, Refuse
from playground.slack.workspace import dm_of
from playground.soap import EVERY_OPERATION, Trouble
from queue_store.errors import StoreUnavailable
from queue_store.site import Availability
from tests.bot.ailments import dynamodb
from tests.bot.office import ADA, WEST, Bot, Neighbours, at_work, until
from tests.bot.troubled import Opening


async def told(bot: Bot, part: str) -> dict[str, Any]:
    """Answer what is told of a part now, and not of a few seconds ago."""
    bot.neighbours.clock.turn(seconds=6)
    found: dict[str, Any] = json.loads((await bot.get("/readyz"))[1])[part]
    return found


async def test_who_leads_is_told_by_a_name_and_a_term(bot: Bot) -> None:
    leader = await told(bot, "leader")

    assert (leader["here"], leader["term"]) == (True, 1)
    assert len(leader["name"]) == 8


async def test_a_follower_tells_the_same_and_is_ready_without_a_listener(
    neighbours: Neighbours,
) -> None:
    """A deploy waits for the new instance to be ready, which leads only once the old one left."""
    async with (
        dynamodb({})(neighbours) as changes,
        at_work(neighbours, settings=neighbours.settings(**changes)) as leading,
        at_work(neighbours, settings=neighbours.settings(**changes), leads=False) as following,
    ):
        leader, known = await told(leading, "leader"), await told(following, "leader")

        assert known == {**leader, "here": False}
        assert neighbours.network.xmpp.logins == 1
        assert (await following.get("/readyz"))[0] == 200
        assert (await told(following, "stations"))["reading_seconds_ago"] is not None

        leading.told.set()
        await until(following.is_leading)
        assert (await told(following, "leader"))["term"] == leader["term"] + 1


async def test_a_follower_is_ready_again_as_soon_as_the_store_answers(
    neighbours: Neighbours,
) -> None:
    """It may be long until the next request comes its way, and it makes no attempt of its own."""
    opening = Opening()
    async with (
        dynamodb({})(neighbours) as changes,
        at_work(neighbours, settings=neighbours.settings(**changes)),
        at_work(
            neighbours,
            settings=neighbours.settings(**changes),
            open_store=opening,
            leads=False,
        ) as following,
    ):
        opening.store.fails["request"] = [StoreUnavailable("too busy")]
        refused = await neighbours.slack.command(ADA, "add")

        assert refused is not None
        assert "can't get at the queue" in refused.text
        await following.ready()


async def test_how_long_ago_the_stations_were_heard_and_read_is_told(bot: Bot) -> None:
    """A stream that fell silent and a reading that fails look like a quiet garage."""
    fresh = await told(bot, "stations")
    assert fresh["event_seconds_ago"] is None
    assert 0 <= fresh["reading_seconds_ago"] < 60

    bot.neighbours.leave(WEST)
    await until(lambda: is_heard(bot))
    await bot.quiet()
    bot.neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.FAILS
    bot.neighbours.clock.turn(minutes=10)

    later = await told(bot, "stations")
    assert 600 <= later["event_seconds_ago"] < 660
    assert 600 <= later["reading_seconds_ago"] < 660


async def is_heard(bot: Bot) -> bool:
    """Tell whether all of the stream's news is in the store."""
    return any(port.availability is Availability.AVAILABLE for port in (await bot.site()).ports)


async def test_what_is_still_to_be_said_is_counted(bot: Bot) -> None:
    """Somebody may wait for a mention that Slack does not take."""
    assert await told(bot, "outbox") == {
        "waiting": 0,
        "oldest_seconds_ago": None,
        "set_aside": 0,
    }

    bot.neighbours.slack.web_api.faults.add("chat.postMessage", Hang(), times=100)
    bot.neighbours.leave()
    await until(lambda: is_waiting(bot))
    bot.neighbours.clock.turn(seconds=30)

    assert (await told(bot, "outbox"))["oldest_seconds_ago"] >= 30


async def is_waiting(bot: Bot) -> bool:
    """Tell whether something is still to be said."""
    return bool((await told(bot, "outbox"))["waiting"])


async def test_what_was_set_aside_is_counted(bot: Bot) -> None:
    """It was meant for somebody, and nobody read it."""
    bot.neighbours.slack.web_api.faults.add("chat.postMessage", Refuse("msg_too_long"), times=100)
    bot.neighbours.leave()

    async def is_set_aside() -> bool:
        return bool((await told(bot, "outbox"))["set_aside"])

    await until(is_set_aside)


async def test_a_store_that_cannot_be_asked_tells_nothing(neighbours: Neighbours) -> None:
    opening = Opening()
    async with at_work(neighbours, open_store=opening) as bot:
        opening.store.fails["outbox"] = [StoreUnavailable("too busy")] * 1000

        assert (await told(bot, "leader"))["here"]
        assert await told(bot, "stations") is None
        assert await told(bot, "outbox") is None
        opening.store.fails.clear()
        assert await told(bot, "outbox") is not None


async def test_the_store_is_spared_however_often_somebody_asks(neighbours: Neighbours) -> None:
    """The address is as public as the one that Slack uses."""
    opening = Opening()
    async with at_work(neighbours, open_store=opening) as bot:
        await told(bot, "outbox")
        # Nobody else asks for these.
        opening.store.fails["refused"] = [StoreUnavailable("too busy")]

        answers = await asyncio.gather(*(bot.get("/readyz") for _ in range(20)))

        assert all(json.loads(said)["outbox"] is not None for _, said in answers)
        assert len(opening.store.fails["refused"]) == 1


async def test_nothing_is_told_of_anybody(bot: Bot) -> None:
    """Whoever finds the address reads it."""
    await bot.neighbours.slack.command(ADA, "add", channel=dm_of(ADA))
    bot.neighbours.slack.web_api.faults.add("chat.postMessage", Hang(), times=100)
    bot.neighbours.leave()
    await until(lambda: is_waiting(bot))

    _, said = await bot.get("/readyz")

    for secret in (ADA, "Ada", "GARAGE", *bot.neighbours.settings().secrets):
        assert secret not in said
