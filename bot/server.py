"""The HTTP server: Slack's requests, liveness and readiness; the only importer of aiohttp.web's.

What isn't a POST with a plausible timestamp and a body of a sensible size, that comes in a
sensible time, never reaches Bolt. Of what isn't even HTTP the log says nothing: anybody can send
it, as often as they like.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.clock import Clock

Answer = Callable[[web.Request], Awaitable[web.Response]]
Problems = Callable[[], Awaitable[Mapping[str, str]]]
Facts = Callable[[], Awaitable[Mapping[str, Any]]]

LARGEST_BODY = 1024 * 1024
OLDEST_SECONDS = 5 * 60
SLOWEST_SECONDS = 10.0
# Slack waits for three seconds in all.
EARLY_SECONDS = 2.0
NEIGHBOUR_SECONDS = 3.0


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether the trouble is ours, and not that of who sent what is no HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


logging.getLogger("aiohttp.server").addFilter(_is_ours)


class Server:
    """Serves the paths that interface.md promises; Slack's only when given how to answer.

    `problems` names the parts that are not ready, and why; `facts` is what else there is to tell.
    `seconds` is how long requests that were begun may take at a stop, `slowest` how long a body
    may take to arrive, `early` how long a request waits that came before it can be answered.
    """

    def __init__(
        self,
        problems: Problems,
        *,
        clock: Clock,
        seconds: float,
        facts: Facts | None = None,
        slowest: float = SLOWEST_SECONDS,
        early: float = EARLY_SECONDS,
    ) -> None:
        self._problems = problems
        self._facts = facts
        self._clock = clock
        self._seconds = seconds
        self._slowest = slowest
        self._early = early
        self._serving = asyncio.Event()
        self._answer: Answer | None = None
        self._runner: web.AppRunner | None = None

    def serve_slack(self, answer: Answer) -> None:
        """Answer Slack's requests from now on."""
        self._answer = answer
        self._serving.set()

    async def start(self, port: int) -> int:
        """Listen on the port, 0 for any, and answer which it is.

        Raises:
            OSError: the port can't be had.
        """
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/slack/events", self._slack)
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._ready)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=self._seconds
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "0.0.0.0", port).start()  # noqa: S104 - the proxy's way in
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no more requests, and finish those that were begun."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _slack(self, request: web.Request) -> web.Response:
        if not self._is_timely(request.headers.get("X-Slack-Request-Timestamp", "")):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        wrong = await self._read(request)
        if wrong is not None:
            return web.Response(status=wrong)
        # A load balancer sends us requests as soon as we live, before we have greeted Slack.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._early):
                await self._serving.wait()
        if self._answer is None:
            # Slack repeats events that were not taken; people see that it failed.
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="Not ready yet.")
        return await self._answer(request)

    async def _read(self, request: web.Request) -> HTTPStatus | None:
        """Read the body, which the request then keeps; answer what is wrong with it, if anything.

        Raises:
            HTTPRequestEntityTooLarge: it is too large.
        """
        try:
            async with asyncio.timeout(self._slowest):
                await request.read()
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        except (web.RequestPayloadError, ConnectionError):
            return HTTPStatus.BAD_REQUEST
        return None

    def _is_timely(self, timestamp: str) -> bool:
        """Whether it was signed just now; neither an old request nor one for later is taken."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):  # noqa: PLR2004 - seconds until the year 5138
            return False
        return abs(self._clock.now().timestamp() - int(timestamp)) <= OLDEST_SECONDS

    async def _ready(self, _: web.Request) -> web.Response:
        problems, facts = await self._problems(), await self._facts() if self._facts else {}
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        return web.json_response({"ready": not problems, **problems, **facts}, status=status)


async def neighbour(port: int) -> Mapping[str, Any] | None:
    """Answer what /readyz of a bot on this machine says; None where no bot of ours listens."""
    timeout = ClientTimeout(total=NEIGHBOUR_SECONDS)
    try:
        async with (
            ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            said = await answer.json()
    except (ClientError, OSError, ValueError):
        return None
    return said if isinstance(said, dict) and "ready" in said else None


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")
