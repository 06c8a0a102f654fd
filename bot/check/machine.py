"""What can be seen on this machine: the site's clock, its quiet times, and the port."""

import errno
import socket
from collections.abc import Iterator, Sequence
from datetime import time
from functools import partial
from zoneinfo import ZoneInfo

from bot.check.finding import Check, Finding, fail, ok, told, warn
from bot.clock import Clock
from bot.quiet import QuietTimes
from bot.server import neighbour
from bot.settings import Readable, RuleSettings

PARTS = ("store", "slack", "chargepoint")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - where the bot listens


def checks(readable: Readable, clock: Clock) -> Iterator[Check]:
    """Answer what there is to look at, as far as its settings are right."""
    zone = readable.timezone
    if zone is not None:
        yield told("time zone", _zone(zone, clock))
    if zone is not None and readable.rules is not None:
        yield told("quiet times", _quiet(zone, readable.rules, clock))
    if readable.port is not None:
        yield Check("port", partial(_port, readable.port))


def _zone(zone: ZoneInfo, clock: Clock) -> Finding:
    there = clock.now().astimezone(zone)
    return ok(f"{zone.key}, where it is {there:%H:%M} on {there:%A} now")


def _quiet(zone: ZoneInfo, rules: RuleSettings, clock: Clock) -> Finding:
    quiet = QuietTimes(zone=zone, hours=rules.quiet_hours, days=rules.quiet_days)
    now = clock.now()
    if len(quiet.days) == len(DAYS):
        return warn(
            "every day is quiet, so that nobody is ever reminded", "Leave days out of QUIET_DAYS"
        )
    state = "it is quiet now" if quiet.begun(now) else "it is not quiet now"
    return ok(f"{_times(rules.quiet_hours, sorted(quiet.days))}; {state}")


def _times(hours: tuple[time, time] | None, days: Sequence[int]) -> str:
    parts = [f"{hours[0]:%H:%M} to {hours[1]:%H:%M}"] if hours else []
    parts += [" ".join(DAYS[day] for day in days)] if days else []
    return ", ".join(parts) or "none"


async def _port(port: int) -> Finding:
    if port == 0:
        return ok("any that is free")
    try:
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((EVERYWHERE, port))
            listening.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return await _taken(port)
        return fail(f"{port} can't be had: {error.strerror}", "Set PORT to one from 1024 on")
    return ok(f"{port} is free")


async def _taken(port: int) -> Finding:
    said = await neighbour(port)
    if said is None:
        remedy = "Stop what listens there, or set PORT to another one"
        return fail(f"{port} is taken by something that is not EV Concierge", remedy)
    seen = f"{port} is taken by a bot that is running"
    if said["ready"] is True:
        return ok(f"{seen}, and ready")
    problems = "; ".join(str(said[part]) for part in PARTS if part in said)
    return warn(f"{seen}, and not ready ({problems})", "The other lines may tell why")
