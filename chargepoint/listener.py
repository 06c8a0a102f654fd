"""The station events, as they happen, over one supervised XMPP session after another.

After a session that was lost comes a pause that doubles from 1 to 300 seconds; a session that
answered its pings starts that count anew. A session that ends as planned is followed by a fresh
one at once.

Whatever happened while nobody listened is lost. Therefore each session begins with `on_session`,
where SOAP is read, and the events that arrive meanwhile wait for it. Sessions and events are
handled one at a time, in the order of their arrival.
"""

import asyncio
import logging
from asyncio import Queue, TaskGroup
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from random import uniform
from secrets import token_hex

from msgspec.structs import replace

from chargepoint.events import StationEvent
from chargepoint.session import ASKED, Session, XmppSettings

__all__ = ["Listener", "XmppSettings", "backoff", "log_in_once"]

CONNECTING = "connecting to the XMPP server"
OVERRUN = "more events than can be handled"
LARGEST_BACKLOG = 10_000

log = logging.getLogger(__name__)


def backoff(lost: int) -> float:
    """Answer the pause, in seconds, after so many lost sessions in a row."""
    return float(min(300, 2 ** min(lost, 10)) * uniform(0.5, 1))  # noqa: S311 - no secret, only spread


class Listener:
    """Listens for ever, and says what happens; the failure policy is the module's.

    `on_session` is awaited at each session's start, `on_event` for each event; what they raise is
    logged and the next is taken. `retry` answers the pause after so many lost sessions in a row.
    `unit` is entered with a name while a session is begun, for whoever wants to know how long
    that takes.
    """

    def __init__(
        self,
        settings: XmppSettings,
        *,
        on_session: Callable[[], Awaitable[None]],
        on_event: Callable[[StationEvent], Awaitable[None]],
        retry: Callable[[int], float] = backoff,
        unit: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._settings = settings
        self._on_session = on_session
        self._on_event = on_event
        self._retry = retry
        self._unit = unit
        self._stopped = False
        self._hurried = asyncio.Event()
        self._session: Session | None = None
        self._announced = False
        self._early: list[StationEvent] = []
        self._heard: Queue[StationEvent | None] = Queue()
        self._problem: str | None = CONNECTING

    @property
    def connected(self) -> bool:
        """Whether a session is up and, as far as its pings tell, alive."""
        return self._problem is None

    @property
    def problem(self) -> str | None:
        """Why no session is up, in plain words, or None."""
        return self._problem

    def stop(self) -> None:
        """End the listening; what was heard and not yet handled is left to the next reading."""
        self._stopped = True
        self.refresh()

    def refresh(self) -> None:
        """End this session as planned and start a fresh one at once."""
        self._hurried.set()
        if self._session is not None:
            self._session.end(ASKED)

    async def run(self) -> None:
        """Listen until stopped or cancelled."""
        async with TaskGroup() as tasks:
            handling = tasks.create_task(self._handle_in_order())
            try:
                await self._supervise()
            finally:
                self._problem = CONNECTING
                handling.cancel()

    async def _supervise(self) -> None:
        lost = 0
        while not self._stopped:
            session = await self._listen()
            lost = 0 if session.proven else lost
            if session.reason != ASKED:
                await self._pause(lost, session.reason)
                lost += 1

    async def _listen(self) -> Session:
        self._session = session = Session(self._settings, self._hear)
        self._hurried.clear()
        self._announced = False
        self._early.clear()
        try:
            with self._unit("session"):
                opened = await session.open()
                if opened:
                    self._announce()
            if opened:
                await session.watch()
        finally:
            self._problem = session.reason if session.reason != ASKED else CONNECTING
            self._session = None
            await session.close()
        return session

    def _announce(self) -> None:
        log.info("session.started")
        self._problem = None
        self._announced = True
        for item in (None, *self._early):
            self._heard.put_nowait(item)

    async def _pause(self, lost: int, reason: str) -> None:
        seconds = self._retry(lost)
        log.warning("session.lost reason=%r retry_in=%.1f", reason, seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()

    def _hear(self, event: StationEvent) -> None:
        # The events of a session wait until the reading that begins it is on its way.
        if self._announced:
            self._heard.put_nowait(event)
        else:
            self._early.append(event)
        if max(len(self._early), self._heard.qsize()) > LARGEST_BACKLOG and self._session:
            self._session.end(OVERRUN)

    async def _handle_in_order(self) -> None:
        while True:
            event = await self._heard.get()
            try:
                await (self._on_session() if event is None else self._on_event(event))
            except Exception:
                log.exception("event.failed event=%s", type(event).__name__)


async def log_in_once(settings: XmppSettings) -> str | None:
    """Try the login for real and leave again; answer what is wrong in plain words, or None.

    A bot that is logged in meanwhile keeps its session, and hears everything: this one has another
    resource, and does not become available.
    """
    apart = replace(settings, jid=f"{settings.jid}/check-{token_hex(4)}")
    session = Session(apart, lambda _: None, unseen=True)
    try:
        return None if await session.open() else session.reason
    finally:
        await session.close()
