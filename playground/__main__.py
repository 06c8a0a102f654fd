"""`python -m playground`: a simulated office around the real bot, with a page to try it on."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from playground.bot_process import BotProcess, free_port
from playground.dynamodb import TABLE, dynamodb
from playground.garage import FOUR_PORTS, Garage
from playground.memory import Memory, SimulatedOffice, Unusable
from playground.network import SimulatedChargePoint
from playground.page import page_app
from playground.people import OFFICE
from playground.settings import (
    API_KEY,
    API_PASSWORD,
    STATION_GROUP,
    Times,
    environment,
    notes,
)
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.soap import Feed

# A garage that is full has a queue to show; the last car is a guest's.
PARKED = (*(person.chargepoint_user for person in OFFICE[2:5]), None)
SAVE_SECONDS = 0.5
LARGEST_PORT = 65535
FASTEST = 100


class PortTaken(Exception):
    """The page's port can't be had; the message says what to do."""


def main() -> int:
    """Run the playground until it is told to stop, and answer the exit code."""
    options = _options()
    try:
        return asyncio.run(_play(options))
    except* (Unusable, PortTaken) as refusals:
        for refusal in refusals.exceptions:
            say(str(refusal))
    return 1


def say(line: str) -> None:
    """Tell whoever sits at the terminal, if anybody still does."""
    with suppress(OSError):
        print(line, flush=True)  # noqa: T201 - for a person at a terminal


async def _play(options: argparse.Namespace) -> int:
    signals = Signals()
    memory = Memory(options.state)
    async with AsyncExitStack() as stack:
        stack.enter_context(memory.held())
        page = stack.enter_context(_listening(options.port))
        if options.fresh:
            memory.forget()
        times = Times().at(options.speed)
        office = await _neighbours(stack, memory, Options(socket_mode=options.socket_mode))
        await _serve_page(stack, office, page, times)
        bot = BotProcess(
            {
                **_settings(options, office, memory, times),
                **await _store(stack, options),
            },
            say=say,
            on_ready=lambda: _welcome(page.getsockname()[1]),
        )
        office.slack.bot_url = f"{bot.url}/slack/events"
        stack.callback(memory.save, office)
        return await _until_told(signals, bot, memory, office)


class Signals:
    """What the terminal says: stop, and then perhaps that it is in a hurry."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.hurry = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(each, self._hear)

    def _hear(self) -> None:
        if self.told.is_set():
            self.hurry.set()
            return
        say("Stopping …")
        self.told.set()


async def _until_told(
    signals: Signals, bot: BotProcess, memory: Memory, office: SimulatedOffice
) -> int:
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(_keep(memory, office))
        obeyed = await bot.run(signals.told, signals.hurry)
        keeping.cancel()
    return 0 if obeyed else 1


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
    slack = SimulatedSlack(clock=_now, options=options)
    memory.restore_chat(slack)
    await stack.enter_async_context(network)
    say(f"A simulated ChargePoint network: SOAP at {network.soap_url},")
    say(f"  XMPP at {network.xmpp_host}:{network.xmpp_port}.")
    await stack.enter_async_context(slack)
    say(f"A simulated Slack workspace: Web API at {slack.api_url}.")
    return SimulatedOffice(slack=slack, garage=garage, network=network)


def _garage(memory: Memory) -> tuple[Garage, tuple[Feed, ...]]:
    saved = memory.garage()
    if saved is not None:
        return Garage(saved.ports, clock=_now, sessions=saved.sessions), saved.feeds
    garage = Garage(clock=_now)
    for port, user in zip(FOUR_PORTS, PARKED, strict=True):
        garage.plug_in(port.station, port.number, user=user)
    return garage, ()


def _settings(
    options: argparse.Namespace, office: SimulatedOffice, memory: Memory, times: Times
) -> Mapping[str, str]:
    return {
        **environment(
            office.slack, office.network, port=free_port(), store=memory.store, times=times
        ),
        "LOG_LEVEL": "INFO" if options.log or options.trace else "WARNING",
        "TRACE_EXPORTER": "console" if options.trace else "none",
    }


async def _store(stack: AsyncExitStack, options: argparse.Namespace) -> Mapping[str, str]:
    """Answer the settings of another store than the embedded one, if that is wished."""
    if options.store == "sqlite":
        return {}
    settings = await stack.enter_async_context(dynamodb(options.state))
    say(f"A DynamoDB engine: {settings['AWS_ENDPOINT_URL_DYNAMODB']}, table {TABLE}.")
    return settings


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        # The error's own words repeat the whole address.
        why = os.strerror(error.errno or 0)
        raise PortTaken(f"Port {port} can't be had ({why}); --port 8081 takes another.") from error


def _welcome(port: int) -> None:
    say("")
    say(f"The office is open: http://127.0.0.1:{port}   (Ctrl-C stops everything)")
    say("")


async def _serve_page(
    stack: AsyncExitStack, office: SimulatedOffice, at: socket.socket, times: Times
) -> None:
    app = page_app(office.slack, office.garage, notes=notes(times))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, at).start()


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the playground's clock


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m playground",
        description="A simulated Slack workspace with a page to try it on, a simulated ChargePoint"
        " network, and the real bot between them. Everything stays on this machine.",
        epilog="Ctrl-C stops everything; the next start finds the office as it was. With make:"
        " `make run ARGS='--fresh --trace'`.",
    )
    parser.add_argument(
        "--port", type=_port, default=8080, help="where the page is (8080; 0 for any that is free)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".playground"),
        metavar="FOLDER",
        help="what remembers the office (.playground)",
    )
    parser.add_argument(
        "--store",
        choices=("sqlite", "dynamodb"),
        default="sqlite",
        help="where the bot keeps its queue: a file, or a DynamoDB engine on this machine (sqlite)",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was before")
    parser.add_argument(
        "--socket-mode", action="store_true", help="let the bot use Socket Mode instead of HTTP"
    )
    parser.add_argument("--log", action="store_true", help="show everything that the bot logs")
    parser.add_argument(
        "--trace", action="store_true", help="show also where the bot spends its time"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="TIMES",
        help="wait so many times shorter for everything, as the tests do (1)",
    )
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"{text} is no port from 0 to {LARGEST_PORT}")
    return int(text)


def _speed(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= FASTEST:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is no number above 0, at most {FASTEST}")


if __name__ == "__main__":
    sys.exit(main())
