"""A short life of the real bot, as a process, in which every kind of its work happens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playground.daemon import SimulatedDaemon
from playground.dynamodb import dynamodb
from playground.slack.faults import Limit
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, dm_of
from tests.bot.office import ADA, GRACE, HEDY, WEST, Clock, Neighbours, neighbours_of
from tests.bot.process import Running, started

ZONE = "America/Los_Angeles"
KINDS = {
    *("start", "greet Slack", "session", "reconcile", "wake-up", "/ev", "message", "button"),
    *("station event", "relay", "answer"),
}
DAILY = {"refresh"}
REFRESH_SECONDS = 100


async def live(folder: Path, *, in_dynamodb: bool, until_refresh: bool = False) -> list[bytes]:
    """Let the bot live, and answer what it sent to the daemon meanwhile."""
    clock = Clock()
    slack = SimulatedSlack(clock=clock.now, options=Options(retry_delays=()))
    refresh_at = clock.now().astimezone(ZoneInfo(ZONE)) + timedelta(minutes=1, seconds=10)
    async with (
        SimulatedDaemon() as daemon,
        neighbours_of(folder / "queue.db", slack, clock) as neighbours,
        _store(folder, in_dynamodb=in_dynamodb) as store,
    ):
        changed = {
            **store,
            "SITE_TIMEZONE": ZONE,
            "TRACE_EXPORTER": "xray",
            "AWS_XRAY_DAEMON_ADDRESS": "{}:{}".format(*daemon.address),
            "RECONNECT_AT": f"{refresh_at:%H:%M}",
        }
        async with started(neighbours.environment(**changed)) as bot:
            slack.bot_url = f"{await bot.ready()}/slack/events"
            await _work(neighbours)
            if until_refresh:
                await _refreshes(bot)
            await _leave(bot)
        await daemon.settled()
        return daemon.datagrams


@asynccontextmanager
async def _store(folder: Path, *, in_dynamodb: bool) -> AsyncIterator[Mapping[str, str]]:
    if in_dynamodb:
        async with dynamodb(folder) as settings:
            yield settings
    else:
        yield {}


async def _work(neighbours: Neighbours) -> None:
    slack = neighbours.slack
    await slack.command(ADA, "add")
    slack.say(GRACE, "ev add", channel=ROOM)
    await neighbours.hears("Grace Hopper joined")
    slack.say(GRACE, "why", channel=dm_of(GRACE))
    await neighbours.tells(GRACE, "at place 2")
    slack.web_api.faults.add("chat.postMessage", Limit(1))
    neighbours.leave()
    card = await neighbours.hears("<@U0ADA>")
    # The private message is sent once the call's clock has begun.
    await neighbours.tells(ADA, "your turn")
    await neighbours.press(GRACE, card, "offer.not_now")
    await neighbours.press(ADA, card, "offer.not_now")
    await neighbours.hears("<@U0GRACE>")
    neighbours.leave(WEST)
    await slack.command(HEDY, "add")
    await neighbours.hears("<@U0HEDY>")
    await slack.command(HEDY, "suspend 0.01")
    await neighbours.hears("<@U0HEDY>", times=2)


async def _refreshes(bot: Running) -> None:
    """Wait for the daily refresh, which is a minute ahead."""
    async with asyncio.timeout(REFRESH_SECONDS):
        while not any("session.refresh" in line for line in bot.lines):  # noqa: ASYNC110 - lines come one by one
            await asyncio.sleep(0.1)


async def _leave(bot: Running) -> None:
    bot.process.terminate()
    if await bot.leaves() != 0:
        raise AssertionError(bot.said)
