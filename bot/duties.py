"""A leader's duties in one term: listen, read, keep appointments, and say what there is to say.

Made anew for each term, since what was heard in an earlier one is old news by now.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.clock import Clock
from bot.concierge import next_wakeup
from bot.dispatch import Committed, Dispatcher
from bot.events import ClockTicked
from bot.log import facts
from bot.patience import Patience
from bot.relay import Relay
from bot.rules import Rules
from bot.scheduler import Scheduler
from bot.settings import ChargePointSettings
from bot.stations import Stations
from bot.tracing import origin, unit, untraced
from chargepoint.listener import Listener, XmppSettings, backoff
from chargepoint.soap import ChargePointApi
from queue_store.errors import StoreError

log = logging.getLogger(__name__)


class Shared(Struct, frozen=True, kw_only=True):
    """What outlives a term."""

    dispatcher: Dispatcher
    api: ChargePointApi
    chargepoint: ChargePointSettings
    xmpp: XmppSettings
    rules: Rules
    zone: ZoneInfo
    clock: Clock
    patience: Patience


class Duties:
    """The work of a leader, from the first reading to the last word."""

    def __init__(self, shared: Shared, relay: Relay) -> None:
        self._shared = shared
        self._dispatcher, self._api = shared.dispatcher, shared.api
        self._clock, self._patience = shared.clock, shared.patience
        self.relay = relay
        self.stations = Stations(
            self._dispatcher, self._api, clock=self._clock, patience=self._patience
        )
        self.listener = Listener(
            shared.xmpp,
            on_session=self.stations.on_session,
            on_event=self.stations.on_event,
            retry=lambda lost: backoff(lost) * self._patience.first_retry,
            unit=unit,
        )
        self.scheduler = Scheduler(shared.zone)
        # When to wake up next, and the origin of what made that so.
        self._due: datetime | None = None
        self._appointed_by: str | None = None

    @property
    def problem(self) -> str | None:
        """Why ChargePoint can't be heard or read, or None."""
        return self.stations.problem or self.listener.problem

    def stop(self) -> None:
        """Say what can be said, and end."""
        self.relay.stop()

    async def run(self) -> None:
        """Do all of it, until stopped or cancelled."""
        self._make_appointments()
        try:
            async with asyncio.TaskGroup() as group:
                relaying = group.create_task(self.relay.run())
                others = [
                    group.create_task(work)
                    for work in (
                        self._first_tick(),
                        self._watch(),
                        self.stations.run(),
                        self.listener.run(),
                    )
                ]
                await asyncio.wait({relaying})
                for task in others:
                    task.cancel()
        finally:
            self.scheduler.stop()

    def after(self, committed: Committed) -> None:
        """Act on a decision, whoever made it."""
        if committed.speaks:
            self.relay.wake()
        self.stations.after(committed)
        at = next_wakeup(committed.site, now=committed.at, rules=self._shared.rules)
        if at != self._due:
            self._due, self._appointed_by = at, origin()
        self.scheduler.once("wake-up", self.tick, at=at)

    def after_trouble(self) -> None:
        """Look again soon at what perhaps was decided."""
        # What was perhaps made so may have changed when to wake up; a tick finds out.
        pause = timedelta(seconds=self._patience.store)
        self.scheduler.once("wake-up", self.tick, at=self._clock.now() + pause)

    async def tick(self) -> None:
        """Let happen what is due."""
        with unit("wake-up", origin=self._appointed_by) as work:
            try:
                await self._dispatcher.handle(ClockTicked())
            except StoreError as error:
                work.fail(error)
                log.warning("wake-up.waits", extra=facts(why=str(error)))
            except Exception as error:
                # A fault of ours must not end everything else that the bot does.
                work.fail(error)
                log.exception("wake-up.failed")
                self.after_trouble()

    def _make_appointments(self) -> None:
        chargepoint = self._shared.chargepoint
        self.scheduler.daily("refresh", self._refresh, at=chargepoint.reconnect_at)
        self.scheduler.every("reconcile", self.stations.reconcile, span=chargepoint.reconcile)
        # Losing the stream must not blind us, so a first reading does not wait for it.
        self.stations.look()
        self.scheduler.start()

    async def _first_tick(self) -> None:
        # The garage may have changed while nobody was here, so a reading comes first.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.reading):
                await self.stations.tried.wait()
        await self.tick()

    async def _watch(self) -> None:
        """Act on what other instances decide, too."""
        while True:
            await asyncio.sleep(self._patience.outbox)
            try:
                with untraced():
                    await self._dispatcher.catch_up()
            except StoreError as error:
                log.warning("watch.waits", extra=facts(why=str(error)))

    async def _refresh(self) -> None:
        with unit("refresh"):
            log.info("session.refresh")
            self._api.forget_inventory()
            self.listener.refresh()
