"""`python -m bot`: reads the settings, runs the bot until it is told to stop, and says how it went.

Leaves with 0 when it was told to stop, and with 2 when an administrator has to change a setting.
`python -m bot check` only tries the settings, and leaves with 0 when nothing failed, else with 1.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import TracebackType

from bot import __version__, exporters
from bot import log as logs
from bot.check.doctor import examine
from bot.clock import SystemClock
from bot.office import Office
from bot.redaction import hiding
from bot.settings import Settings, WrongSettings, read_process, read_what_is_right
from queue_store.errors import StoreError

SOMETHING_FAILED = 1
WRONG_SETTINGS = 2

log = logging.getLogger("bot")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bot, or the doctor, and answer the exit code."""
    asked = _parser().parse_args(arguments)
    return _check() if asked.command else _run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Run EV Concierge.")
    parser.add_argument(
        "command", nargs="?", choices=["check"], help="try every setting for real, and run nothing"
    )
    return parser


def _check() -> int:
    readable = read_what_is_right()
    redact = hiding(readable.secrets)
    # What goes wrong is told in lines of its own.
    logs.set_up("text", logging.CRITICAL, sys.stderr, redact=redact)

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - for a person at a terminal

    try:
        well = asyncio.run(examine(readable, say, clock=SystemClock(), redact=redact))
    except (BrokenPipeError, KeyboardInterrupt):
        # Whoever reads has had enough; what is still to be written goes nowhere, and says nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOMETHING_FAILED
    return 0 if well else SOMETHING_FAILED


def _run() -> int:
    try:
        settings = read_process()
    except WrongSettings as wrong:
        return _refused(*wrong.problems)
    redact = hiding(settings.secrets)
    logs.set_up(settings.log.format, settings.log.level, sys.stderr, redact=redact)
    _log_what_python_prints()
    finish = exporters.set_up(settings.trace, version=__version__, out=sys.stderr, redact=redact)
    for warning in settings.warnings:
        log.warning("settings.odd", extra=logs.facts(warning=warning))
    try:
        asyncio.run(_until_told(settings))
    except StoreError as error:
        return _refused(redact(f"QUEUE_STORE: {error}"))
    except PortTaken as error:
        return _refused(f"PORT: {error}")
    finally:
        finish()
    return 0


def _log_what_python_prints() -> None:
    """Send what nobody caught to the log, which hides secrets; Python by itself does not."""

    def crashed(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        error = error or kind()
        log.critical("bot.crashed", exc_info=(kind, error, trace))

    sys.excepthook = crashed
    threading.excepthook = lambda told: crashed(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: crashed(told.exc_type, told.exc_value, told.exc_traceback)


class PortTaken(Exception):
    """The HTTP port can't be had."""


async def _until_told(settings: Settings) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    async with Office(settings) as office:
        try:
            port = await office.server.start(settings.port)
        except OSError as error:
            raise PortTaken(f"can't listen on {settings.port}: {error.strerror}") from error
        log.info("bot.started", extra=logs.facts(version=__version__, port=port))
        await office.run(told)
    log.info("bot.stopped")


def _refused(*problems: str) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - for a person at a terminal
    return WRONG_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
