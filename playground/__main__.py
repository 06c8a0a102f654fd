"""`python -m playground`: a simulated office around the real bot, with a page to try it on."""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from playground.bot_process import BotProcess, free_port
from playground.garage import FOUR_PORTS, Garage
from playground.memory import Memory, SimulatedOffice, Unreadable
from playground.network import SimulatedChargePoint
from playground.page import page_app
from playground.people import OFFICE
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP, environment, notes
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.soap import Feed

# A garage that is full has a queue to show; the last car is a guest's.
PARKED = (*(person.chargepoint_user for person in OFFICE[2:5]), None)
SAVE_SECONDS = 0.5


def main() -> int:
    """Run the playground until Ctrl-C and answer the exit code."""
    options = _options()
    try:
        return asyncio.run(_play(options))
    except Unreadable as error:
        say(f"{error}. `python -m playground --fresh` starts anew.")
        return 1


def say(line: str) -> None:
    """Tell whoever sits at the terminal."""
    print(line, flush=True)  # noqa: T201 - for a person at a terminal


async def _play(options: argparse.Namespace) -> int:
    told = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, told.set)
    memory = Memory(options.state)
    if options.fresh:
        memory.forget()
    async with AsyncExitStack() as stack:
        office = await _neighbours(stack, memory, Options(socket_mode=options.socket_mode))
        if not await _serve_page(stack, office, options.port):
            return 1
        settings = environment(
            office.slack,
            office.network,
            port=free_port(),
            store=memory.store,
            trace=options.trace,
        )
        bot = await stack.enter_async_context(BotProcess(settings, say=say))
        office.slack.bot_url = f"{bot.url}/slack/events"
        stack.callback(memory.save, office)
        return await _until(told, bot, memory, office, options.port)


async def _until(
    told: asyncio.Event, bot: BotProcess, memory: Memory, office: SimulatedOffice, port: int
) -> int:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(bot.run())
        stop = group.create_task(told.wait())
        others = [group.create_task(_welcome(bot, port)), group.create_task(_keep(memory, office))]
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        gave_up = running.done()
        say("stopping …")
        for task in (*others, stop):
            task.cancel()
        await bot.stop()
    return 1 if gave_up else 0


async def _welcome(bot: BotProcess, port: int) -> None:
    await bot.ready()
    say("")
    say(f"The office is open: http://127.0.0.1:{port}   (Ctrl-C stops everything)")
    say("")


async def _keep(memory: Memory, office: SimulatedOffice) -> None:
    """Save what changes as it changes, for the case that nobody says goodbye."""
    while True:
        memory.save(office)
        await asyncio.sleep(SAVE_SECONDS)
        await office.slack.workspace.changed()


async def _neighbours(stack: AsyncExitStack, memory: Memory, options: Options) -> SimulatedOffice:
    garage, feeds = _garage(memory)
    network = SimulatedChargePoint(
        garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP, registered_feeds=feeds
    )
    await stack.enter_async_context(network)
    say(f"ChargePoint (simulated): SOAP at {network.soap_url}, XMPP on {network.xmpp_port}")
    slack = SimulatedSlack(clock=_now, options=options)
    memory.restore_chat(slack)
    await stack.enter_async_context(slack)
    say(f"Slack (simulated): Web API at {slack.api_url}")
    return SimulatedOffice(slack=slack, garage=garage, network=network)


def _garage(memory: Memory) -> tuple[Garage, tuple[Feed, ...]]:
    saved = memory.garage()
    if saved is not None:
        return Garage(saved.ports, clock=_now, sessions=saved.sessions), saved.feeds
    garage = Garage(clock=_now)
    for port, user in zip(FOUR_PORTS, PARKED, strict=True):
        garage.plug_in(port.station, port.number, user=user)
    return garage, ()


async def _serve_page(stack: AsyncExitStack, office: SimulatedOffice, port: int) -> bool:
    app = page_app(office.slack, office.garage, notes=notes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        say(f"Port {port} can't be had: {error.strerror}. Try `make run ARGS='--port 8081'`.")
        return False
    return True


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the playground's clock


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="the page's port (8080)")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".playground"),
        help="the folder that remembers the office (.playground)",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was before")
    parser.add_argument(
        "--socket-mode", action="store_true", help="let the bot use Socket Mode instead of HTTP"
    )
    parser.add_argument(
        "--trace", action="store_true", help="print what the bot does, step by step"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
