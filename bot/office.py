"""The composition root: every part built, wired, run and stopped; nothing decided."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from bot.accounts import api_of, stream_of
from bot.app import SlackApp
from bot.clock import Clock, SystemClock
from bot.concierge import next_wakeup
from bot.conversation import Conversation
from bot.directory import Directory
from bot.dispatch import Committed, Dispatcher
from bot.errors import SlackError
from bot.events import ClockTicked
from bot.log import facts
from bot.patience import Patience
from bot.quiet import QuietTimes
from bot.relay import Relay, Room
from bot.rules import Rules
from bot.scheduler import Scheduler
from bot.server import Server
from bot.settings import Settings
from bot.slack import Identity, Slack
from bot.stations import Stations
from bot.tracing import unit
from chargepoint.listener import Listener, backoff
from queue_store.errors import StoreError
from queue_store.opening import Place, open_store
from queue_store.store import QueueStore

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0

_T = TypeVar("_T")
OpenStore = Callable[[Place, str], Awaitable[QueueStore]]


class Office:
    """One bot at one site, from its store to its server.

    Entering opens the store and may raise StoreError; `run` does the work until told to stop.
    `open_store` answers the store of a site, given where it is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        patience: Patience | None = None,
        open_store: OpenStore | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._patience = patience or Patience()
        self._open_store = open_store or _opened
        self._stack = AsyncExitStack()
        self._begun: set[asyncio.Task[Any]] = set()
        self._app: SlackApp | None = None
        self._slack_problem: str | None = "Slack has not answered yet"
        self.server = Server(self._problems, clock=self._clock, seconds=self._patience.requests)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            with unit("start"):
                store = await self._open_store(self._settings.store, self._settings.slack.channel)
            stack.push_async_callback(store.close)
            self._slack = await stack.enter_async_context(
                Slack(
                    self._settings.slack.bot_token.reveal(),
                    api_url=self._settings.slack.api_url,
                    seconds=self._patience.call,
                )
            )
            self._api = api_of(self._settings.chargepoint)
            stack.push_async_callback(self._api.close)
            self._wire(store)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.server.stop()
        await self._stack.aclose()

    async def run(self, told: asyncio.Event) -> None:
        """Work until told to stop; then finish what was begun."""
        self._scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                relaying = group.create_task(self._relay.run())
                working = [group.create_task(work) for work in self._work(group)]
                await told.wait()
                await self._finish(relaying)
                for task in (relaying, *working, *self._begun):
                    task.cancel()
        finally:
            self._scheduler.stop()

    async def _finish(self, relaying: asyncio.Task[None]) -> None:
        """Take nothing new, and finish what was begun, within the patience of whoever told us."""
        self._relay.stop()
        await self.server.stop()
        await asyncio.wait({relaying, *self._begun}, timeout=self._patience.finish)

    def _wire(self, store: QueueStore) -> None:
        settings, clock, rules = self._settings, self._clock, _rules(self._settings)
        zone = settings.site.timezone
        self._rules = rules
        self._dispatcher = Dispatcher(store, clock=clock, rules=rules)
        directory = Directory(
            self._slack,
            admins=settings.slack.admins,
            clock=clock,
            seconds=self._patience.names,
        )
        self._conversation = Conversation(
            self._dispatcher,
            directory,
            clock=clock,
            zone=zone,
            rules=rules,
            patience=self._patience,
        )
        self._relay = Relay(
            store,
            self._dispatcher,
            self._slack,
            directory,
            room=Room(channel=settings.slack.channel, zone=zone, rules=rules),
            clock=clock,
            patience=self._patience,
        )
        self._stations = Stations(self._dispatcher, self._api, clock=clock, patience=self._patience)
        self._listener = Listener(
            stream_of(settings.chargepoint.xmpp),
            on_session=self._stations.on_session,
            on_event=self._stations.on_event,
            retry=lambda lost: backoff(lost) * self._patience.first_retry,
        )
        self._scheduler = Scheduler(zone)
        self._dispatcher.listen(self._after)
        self._dispatcher.listen_for_trouble(self._after_trouble)

    def _after(self, committed: Committed) -> None:
        if committed.speaks:
            self._relay.wake()
        self._stations.after(committed)
        at = next_wakeup(committed.site, now=committed.at, rules=self._rules)
        self._scheduler.once("wake-up", self._tick, at=at)

    def _after_trouble(self) -> None:
        # What was perhaps made so may have changed when to wake up; a tick finds out.
        pause = timedelta(seconds=self._patience.store)
        self._scheduler.once("wake-up", self._tick, at=self._clock.now() + pause)

    def _work(self, group: asyncio.TaskGroup) -> tuple[Coroutine[Any, Any, None], ...]:
        chargepoint = self._settings.chargepoint
        self._scheduler.daily("refresh", self._refresh, at=chargepoint.reconnect_at)
        self._scheduler.every("reconcile", self._stations.reconcile, span=chargepoint.reconcile)
        # Losing the stream must not blind us, so a first reading does not wait for it.
        self._stations.look()
        return (
            self._first_tick(),
            self._stations.run(),
            self._listener.run(),
            self._serve_slack(group),
        )

    async def _first_tick(self) -> None:
        # The garage may have changed while nobody was here, so a reading comes first.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.reading):
                await self._stations.tried.wait()
        await self._tick()

    async def _tick(self) -> None:
        with unit("wake-up") as work:
            try:
                await self._dispatcher.handle(ClockTicked())
            except StoreError as error:
                work.fail(error)
                log.warning("wake-up.waits", extra=facts(why=str(error)))
            except Exception as error:
                # A fault of ours must not end everything else that the bot does.
                work.fail(error)
                log.exception("wake-up.failed")
                self._after_trouble()

    async def _refresh(self) -> None:
        with unit("refresh"):
            log.info("session.refresh")
            self._api.forget_inventory()
            self._listener.refresh()

    async def _serve_slack(self, group: asyncio.TaskGroup) -> None:
        identity = await self._identify()

        def spawn(work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
            task = group.create_task(work)
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)
            return task

        self._app = SlackApp(
            self._settings.slack,
            self._slack,
            self._conversation,
            identity,
            spawn=spawn,
            patience=self._patience,
        )
        if self._settings.slack.app_token is None:
            self.server.serve_slack(self._app.answer)
            return
        await self._app.run_socket(self._settings.slack.app_token.reveal())

    async def _identify(self) -> Identity:
        failures = 0
        while True:
            try:
                with unit("greet Slack"):
                    identity = await self._slack.identify()
            except SlackError as error:
                self._slack_problem = str(error)
                log.warning("slack.unreachable", extra=facts(why=str(error)))
                failures += 1
                await asyncio.sleep(self._patience.retry(failures, most=LONGEST_PAUSE_SECONDS))
            else:
                self._slack_problem = None
                log.info("slack.ready", extra=facts(bot=identity.user, team=identity.team))
                return identity

    async def _problems(self) -> Mapping[str, str]:
        waits, undone = self._relay.problem, self._dispatcher.problem
        if isinstance(waits, StoreError):
            waits, undone = None, waits
        deaf = await self._app.problem() if self._app else None
        named = {
            "store": undone,
            "slack": self._slack_problem or waits or deaf,
            "chargepoint": self._stations.problem or self._listener.problem,
        }
        return {part: str(problem) for part, problem in named.items() if problem}


async def _opened(place: Place, site: str) -> QueueStore:
    return await open_store(place, site=site)


def _rules(settings: Settings) -> Rules:
    zone, numbers = settings.site.timezone, settings.rules
    # A reading that is merely the last one must not look like silence.
    silence = max(Rules().silence, 2 * settings.chargepoint.reconcile)
    return Rules(
        site=settings.site.name,
        offer=numbers.offer,
        accepted_offer=numbers.accepted_offer,
        suspension=numbers.suspension,
        idle_reminder=numbers.idle_reminder,
        charging_limit=numbers.charging_limit,
        nag_repeat=numbers.nag_repeat,
        nag_limit=numbers.nag_limit,
        zone=zone,
        quiet=QuietTimes(zone=zone, hours=numbers.quiet_hours, days=numbers.quiet_days),
        admins=settings.slack.admins,
        silence=silence,
    )
