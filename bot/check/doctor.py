"""Which checks there are, in the order of their lines, and how they are made one after another."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack

from msgspec import Struct

from bot.accounts import api_of
from bot.check import machine, store, traces
from bot.check.chargepoint import ChargePointChecks
from bot.check.clocks import Clocks
from bot.check.finding import Check, Finding, Mark, fail, ok, told, warn
from bot.check.slack import SlackChecks
from bot.clock import Clock
from bot.redaction import Redact, redacted
from bot.settings import ChargePointSettings, Readable, SlackSettings, TraceSettings
from bot.slack import Slack
from bot.variables import SETTINGS


class Limits(Struct, frozen=True, kw_only=True):
    """How many seconds to wait for one answer, and for all that one check asks."""

    # Whoever asked can say in better words than the doctor what was not answered.
    answer: float = 8.0
    check: float = 15.0


PATIENT = Limits()

Say = Callable[[str], None]
Show = Callable[[str, Finding], None]

log = logging.getLogger(__name__)


async def examine(
    readable: Readable,
    say: Say,
    *,
    clock: Clock,
    redact: Redact = redacted,
    limits: Limits = PATIENT,
) -> bool:
    """Make every check and say a line about each; answer whether none failed."""

    def show(part: str, finding: Finding) -> None:
        say(finding.about(part, redact=redact))

    clocks = Clocks(clock)
    async with AsyncExitStack() as stack:
        checks = (
            *_of_settings(readable),
            *machine.checks(readable, clock),
            *_of_store(readable),
            *await _of_slack(readable.slack, clocks, stack, limits),
            *_of_chargepoint(readable.chargepoint, clocks, stack, limits),
            Check("clock", clocks.look),
            *_of_traces(readable.trace, limits),
        )
        return await _make(checks, show, limits.check)


def _of_store(readable: Readable) -> tuple[Check, ...]:
    if readable.store is None or readable.slack is None:
        return (_unset("store"),)
    return store.checks(readable.store, readable.slack.channel)


def _of_settings(readable: Readable) -> Iterator[Check]:
    for problem in readable.problems:
        yield told("settings", _complaint(problem))
    for warning in readable.warnings:
        yield told("settings", Finding(mark=Mark.WARN, seen=warning))
    if not readable.problems:
        yield told("settings", ok(f"all {len(SETTINGS)} are well-formed"))


def _complaint(problem: str) -> Finding:
    # The example is no secret, though it looks like one; what was set instead is never repeated.
    seen, _, example = problem.partition(", for example ")
    return fail(seen, f"For example {example}") if example else fail(problem, "")


async def _of_slack(
    settings: SlackSettings | None, clocks: Clocks, stack: AsyncExitStack, limits: Limits
) -> tuple[Check, ...]:
    if settings is None:
        return (_unset("Slack"),)
    token = settings.bot_token.reveal()
    slack = Slack(token, api_url=settings.api_url, seconds=limits.answer)
    return SlackChecks(settings, await stack.enter_async_context(slack), clocks).checks


def _of_chargepoint(
    settings: ChargePointSettings | None, clocks: Clocks, stack: AsyncExitStack, limits: Limits
) -> tuple[Check, ...]:
    if settings is None:
        return (_unset("ChargePoint"),)
    api = api_of(settings, seconds=limits.answer)
    stack.push_async_callback(api.close)
    return ChargePointChecks(settings, api, clocks, seconds=limits.answer).checks


def _of_traces(settings: TraceSettings | None, limits: Limits) -> Iterator[Check]:
    if settings is not None:
        yield from traces.checks(settings, seconds=limits.answer)


def _unset(part: str) -> Check:
    return told(part, warn("not tried", "See to its settings first"))


async def _make(checks: Iterable[Check], show: Show, seconds: float) -> bool:
    failed: set[str] = set()
    for check in checks:
        finding = await _look(check, seconds) if check.needs not in failed else _needless(check)
        if finding.mark is Mark.FAIL:
            failed.add(check.part)
        show(check.part, finding)
    return not failed


def _needless(check: Check) -> Finding:
    return warn("not tried", f"See to {check.needs} first")


async def _look(check: Check, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return await check.look()
    except TimeoutError:
        return fail(f"not known after {seconds:g} seconds", "Try again in a while")
    except Exception as error:
        # A fault of ours must not hide what the other checks find.
        log.exception("check.failed")
        return fail(f"the check itself failed: {type(error).__name__}", "Please report this")
