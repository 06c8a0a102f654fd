"""A clock to turn by hand, and a tiny bot made of the real Bolt and the real SDK."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession, ClientTimeout, web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack.simulation import SimulatedSlack

Json = dict[str, Any]
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **delta: float) -> None:
        """Turn the clock on by so much."""
        self.now += timedelta(**delta)


class Bot:
    """A bot that does as each test says, and keeps what it heard."""

    def __init__(self, slack: SimulatedSlack, session: ClientSession) -> None:
        self.client = AsyncWebClient(
            token=slack.options.bot_token, base_url=slack.api_url, session=session
        )
        self.app = AsyncApp(client=self.client, signing_secret=slack.options.signing_secret)
        self.heard: list[Json] = []
        self.headers: list[Json] = []
        self._slack = slack
        self.app.event("message")(self._hear)
        self.app.event("app_mention")(self._hear)
        self.app.event("app_home_opened")(self._hear)

    def kinds(self) -> list[str]:
        """Answer the kinds of event heard, in order."""
        return [body["event"]["type"] for body in self.heard]

    async def _hear(self, body: Json, request: AsyncBoltRequest) -> None:
        self.heard.append(body)
        self.headers.append(request.headers)
        self._slack.workspace.touch()


@asynccontextmanager
async def serving(
    slack: SimulatedSlack, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[None]:
    """Serve whatever stands for the bot at the workspace's bot_url."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_post("/slack/events", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def bot_of(slack: SimulatedSlack) -> AsyncIterator[Bot]:
    """Run a bot beside the workspace, in the mode that the workspace is in."""
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        bot = Bot(slack, session)
        if slack.options.socket_mode:
            async with _connected(slack, bot):
                yield bot
        else:
            server = bot.app.server(port=0, path="/slack/events")
            async with serving(slack, server.handle_post_requests):
                yield bot


@asynccontextmanager
async def _connected(slack: SimulatedSlack, bot: Bot) -> AsyncIterator[None]:
    token = slack.options.app_token
    handler = AsyncSocketModeHandler(
        bot.app,
        token,
        web_client=AsyncWebClient(token=token, base_url=slack.api_url),
        ping_interval=1,
    )
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's own lack
    try:
        await slack.workspace.until(lambda _: slack.sockets.connected)
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt's own lack
