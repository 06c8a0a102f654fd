"""The composition root: every part built, wired, run and stopped; nothing decided."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from bot.accounts import api_of, stream_of
from bot.app import SlackApp
from bot.clock import Clock, SystemClock
from bot.conversation import Conversation
from bot.directory import Directory
from bot.dispatch import Committed, Dispatcher
from bot.duties import Duties, Shared
from bot.errors import SlackError
from bot.health import Health
from bot.leader import Leader
from bot.log import facts
from bot.patience import Patience
from bot.quiet import QuietTimes
from bot.redaction import hiding
from bot.relay import Relay, Room
from bot.rules import Rules
from bot.server import Server
from bot.settings import Settings
from bot.slack import Identity, Slack
from bot.tracing import unit
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
        self._redact = hiding(settings.secrets)
        self._clock = clock or SystemClock()
        self._patience = patience or Patience()
        self._open_store = open_store or _opened
        self._stack = AsyncExitStack()
        self._begun: set[asyncio.Task[Any]] = set()
        self._app: SlackApp | None = None
        self._duties: Duties | None = None
        self._slack_problem: str | None = "Slack has not answered yet"
        self._health: Health | None = None
        self.server = Server(
            self._problems,
            clock=self._clock,
            seconds=self._patience.requests,
            facts=self._facts,
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            with unit("start"):
                store = await self._open_store(self._settings.store, self._settings.slack.channel)
                log.info("store.opened", extra=facts(kind=type(self._settings.store).__name__))
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
        async with asyncio.TaskGroup() as group:
            leading = group.create_task(self._leader.run())
            serving = group.create_task(self._serve_slack(group))
            await told.wait()
            await self._finish(leading, serving)
            for task in (leading, serving, *self._begun):
                task.cancel()

    async def _finish(self, leading: asyncio.Task[None], serving: asyncio.Task[None]) -> None:
        """Take nothing new, finish what was begun, say it, and let another instance lead."""
        if self._app is not None:
            self._app.drain()
        await self.server.stop()
        if self._begun:
            await asyncio.wait(self._begun, timeout=self._patience.finish)
        # Slack's socket brings us requests for as long as it is open.
        serving.cancel()
        self._leader.stop()
        await asyncio.wait({leading, serving}, timeout=self._patience.flush)

    def _wire(self, store: QueueStore) -> None:
        settings, clock, rules = self._settings, self._clock, _rules(self._settings)
        self._store, self._rules = store, rules
        self._leader = Leader(
            store.lease(seconds=settings.lease.total_seconds()), self._duties_of_term
        )
        self._health = Health(store, self._leader, clock=clock)
        self._dispatcher = Dispatcher(store, clock=clock, rules=rules, leadership=self._leader)
        self._dispatcher.listen(self._after)
        self._dispatcher.listen_for_trouble(self._after_trouble)
        self._directory = Directory(
            self._slack,
            admins=settings.slack.admins,
            clock=clock,
            seconds=self._patience.names,
        )
        self._conversation = Conversation(
            self._dispatcher,
            self._directory,
            clock=clock,
            zone=settings.site.timezone,
            rules=rules,
            patience=self._patience,
        )

    def _duties_of_term(self, term: int) -> Duties:
        settings, zone = self._settings, self._settings.site.timezone
        relay = Relay(
            self._store,
            self._dispatcher,
            self._slack,
            self._directory,
            room=Room(channel=settings.slack.channel, zone=zone, rules=self._rules),
            clock=self._clock,
            patience=self._patience,
            term=term,
            leads=lambda: self._leader.term == term,
        )
        shared = Shared(
            dispatcher=self._dispatcher,
            api=self._api,
            chargepoint=settings.chargepoint,
            xmpp=stream_of(settings.chargepoint.xmpp),
            rules=self._rules,
            zone=zone,
            clock=self._clock,
            patience=self._patience,
        )
        self._duties = Duties(shared, relay)
        return self._duties

    def _after(self, committed: Committed) -> None:
        if self._duties is not None and self._leader.term is not None:
            self._duties.after(committed)

    def _after_trouble(self) -> None:
        if self._duties is not None and self._leader.term is not None:
            self._duties.after_trouble()

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
        while (identity := await self._greeted()) is None:
            failures += 1
            await asyncio.sleep(self._patience.retry(failures, most=LONGEST_PAUSE_SECONDS))
        return identity

    async def _greeted(self) -> Identity | None:
        with unit("greet Slack") as greeting:
            try:
                identity = await self._slack.identify()
            except SlackError as error:
                greeting.fail(error)
                self._slack_problem = str(error)
                log.warning("slack.unreachable", extra=facts(why=str(error)))
                return None
            self._slack_problem = None
            log.info("slack.ready", extra=facts(bot=identity.user, team=identity.team))
            return identity

    async def _facts(self) -> Mapping[str, Any]:
        return await self._health.facts() if self._health else {}

    async def _problems(self) -> Mapping[str, str]:
        leads = self._leader.term is not None
        duties = self._duties if leads else None
        waits = duties.relay.problem if duties else None
        # Only a leader tries again by itself; a follower's lease tells how the store is now.
        undone = self._dispatcher.problem if leads else None
        if isinstance(waits, StoreError):
            waits, undone = None, waits
        deaf = await self._app.problem() if self._app else None
        named = {
            "store": undone or self._leader.problem,
            "slack": self._slack_problem or waits or deaf,
            "chargepoint": duties.problem if duties else None,
        }
        # What others say of their trouble may quote what they were sent.
        return {part: self._redact(str(problem)) for part, problem in named.items() if problem}


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
