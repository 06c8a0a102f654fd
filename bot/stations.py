"""The watch over the station group: the stream makes us early, the readings make us right.

Each session of the stream begins with a reading; so does every doubt, every failed reading after
a pause, and every few minutes. What a reading shows to have been missed happens then.
"""

import asyncio
import logging

from bot.clock import Clock
from bot.dispatch import Committed, Dispatcher
from bot.events import FeedRegistered, PortsRead
from bot.hearing import Hearing
from bot.log import facts
from bot.patience import Patience
from bot.tracing import unit
from chargepoint.errors import ChargePointError, CredentialsRefused
from chargepoint.events import StationEvent
from chargepoint.soap import ChargePointApi
from queue_store.errors import StoreError
from queue_store.site import Availability, Site, port_id

log = logging.getLogger(__name__)

# Public clients ask for the list of stations no more often than this.
SECONDS_BETWEEN_INVENTORIES = 15 * 60.0
LONGEST_PAUSE_SECONDS = 300.0
MOST_STRANGERS = 100


class Stations:
    """Brings the network's events and readings to the dispatcher.

    `tried` is set once the ports were read, or could not be.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        api: ChargePointApi,
        *,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._api = api
        self._clock = clock
        self._patience = patience or Patience()
        self._reading = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._read_at: float | None = None
        self._listed_at: float | None = None
        self._strangers: set[str] = set()
        self.tried = asyncio.Event()
        self._hearing = Hearing()
        self._lapsed = False
        self._failures = 0
        self._problem: str | None = "the stations have not been read yet"

    @property
    def problem(self) -> str | None:
        """Why the ports can't be read, in plain words, or None."""
        return self._problem

    def look(self) -> None:
        """Read the ports as soon as that is polite."""
        self._wanted.set()

    def after(self, committed: Committed) -> None:
        """Look if a decision left a doubt."""
        if committed.look:
            self.look()

    async def run(self) -> None:
        """Read whenever somebody wants it, for ever; a reading that failed is wanted again."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(self._pause())
            # Somebody else's reading may have satisfied the wish meanwhile.
            if self._wanted.is_set():
                await self.reconcile()

    async def on_session(self) -> None:
        """Catch up with what was missed before a session of the stream is listened to."""
        self._lapsed = self._hearing.session_ended() or self._lapsed
        await self.reconcile()
        self._hearing.session_began()

    async def on_event(self, event: StationEvent) -> None:
        """Let an event of the stream happen."""
        self._hearing.heard()
        name = type(event).__name__
        with unit("station event", event=name, station=event.station, port=event.port):
            try:
                site = await self._dispatcher.site()
                if site.port(port_id(event.station, event.port)) is None:
                    self._wonder(event)
                    return
                await self._dispatcher.handle(event)
            except StoreError as error:
                # The next reading shows what this event would have told.
                log.warning("station.event_lost", extra=facts(event=name, why=str(error)))
                self.look()

    async def reconcile(self) -> None:
        """Read the ports and let everything happen that was missed; failures are kept to tell."""
        async with self._reading:
            self._wanted.clear()
            with unit("reconcile") as work:
                try:
                    await self._register_feed()
                    await self._read()
                except Exception as error:  # noqa: BLE001 - told apart, logged and tried again
                    work.fail(error)
                    self._failed(error)
                else:
                    self._succeeded()
                self.tried.set()

    async def _read(self) -> None:
        readings = await self._api.read_ports()
        self._read_at = self._clock.monotonic()
        before = _doings(await self._dispatcher.site())
        await self._dispatcher.handle(PortsRead(ports=readings))
        if before and _doings(await self._dispatcher.site()) != before:
            self._hearing.missed()

    async def _register_feed(self) -> None:
        site = await self._dispatcher.site()
        if site.feed is None or self._lapsed:
            feed = await self._api.register_feed()
            await self._dispatcher.handle(FeedRegistered(feed=feed))
            self._lapsed = False
            log.info("feed.registered", extra=facts(feed=feed))

    def _wonder(self, event: StationEvent) -> None:
        """Read the list of stations again, now and then, for the sake of an unknown one."""
        now = self._clock.monotonic()
        if self._listed_at is None or now - self._listed_at >= SECONDS_BETWEEN_INVENTORIES:
            self._listed_at = now
            self._strangers.clear()
            self._api.forget_inventory()
            self.look()
        port = port_id(event.station, event.port)
        if port not in self._strangers and len(self._strangers) < MOST_STRANGERS:
            self._strangers.add(port)
            log.warning("station.unknown", extra=facts(station=event.station, port=event.port))

    def _pause(self) -> float:
        if self._failures:
            return self._patience.retry(self._failures, most=LONGEST_PAUSE_SECONDS)
        if self._read_at is None:
            return self._patience.stream
        return max(0.0, self._patience.looks - (self._clock.monotonic() - self._read_at))

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if not isinstance(error, ChargePointError | StoreError):
            # A fault of ours must not end everything else that the bot does.
            log.error("stations.failed", exc_info=error)
        refused = isinstance(error, CredentialsRefused)
        self._problem = "the API key or its password is refused" if refused else str(error)
        log.warning("stations.unread", extra=facts(why=self._problem, failures=self._failures))
        self.look()

    def _succeeded(self) -> None:
        if self._problem is not None:
            log.info("stations.read")
        self._failures, self._problem = 0, None


def _doings(site: Site) -> tuple[tuple[str, Availability, int | None], ...]:
    """Answer what the cars and ports of a site are doing, as far as the stream tells of it."""
    return tuple(
        (port.id, port.availability, port.session.number if port.session else None)
        for port in site.ports
    )
