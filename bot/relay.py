"""The outbox to Slack: one sender, in the order of what was decided, and nothing forgotten.

A row leaves the outbox only once Slack has taken it, or will never take it. While Slack can't
take it the rest waits behind it, so nothing overtakes anything. That a card was posted is an
event like any other: it starts the clock of what the card announces.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from bot.blocks import Message
from bot.clock import Clock
from bot.directory import Directory
from bot.dispatch import Dispatcher
from bot.effects import Effect, ToCard, ToDriver, ToRoom, destination, drivers_in
from bot.errors import SlackError, SlackRefused, SlackUnavailable
from bot.events import CardPosted
from bot.log import facts
from bot.messages import Reader, render
from bot.patience import Patience
from bot.rules import Rules
from bot.slack import Slack
from bot.tracing import step, unit, untraced
from queue_store.errors import StoreError
from queue_store.store import Delivered, OutboxRow, PostedCard, QueueStore

log = logging.getLogger(__name__)

CARD_KEPT = timedelta(days=30)
LONGEST_PAUSE_SECONDS = 30.0

_effects = msgspec.json.Decoder(Effect)


class Room(Struct, frozen=True, kw_only=True):
    """Where the site is spoken of, by which clock and rules."""

    channel: str
    zone: ZoneInfo
    rules: Rules


class _Posted(Struct, frozen=True, kw_only=True):
    channel: str
    ts: str
    at: datetime


class Relay:
    """Says what is in the outbox."""

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        store: QueueStore,
        dispatcher: Dispatcher,
        slack: Slack,
        directory: Directory,
        *,
        room: Room,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._slack = slack
        self._directory = directory
        self._room = room
        self._clock = clock
        self._patience = patience or Patience()
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._problem: Exception | None = None
        self._failures = 0
        # What Slack took and the store did not cross off: a store in trouble repeats no mention.
        self._taken: dict[str, _Posted] = {}

    @property
    def problem(self) -> Exception | None:
        """Why nothing can be said just now, or None."""
        return self._problem

    def wake(self) -> None:
        """Look into the outbox now."""
        self._woken.set()

    def stop(self) -> None:
        """Say nothing more once the row that is under way is said."""
        self._stopped.set()
        self._woken.set()

    async def run(self) -> None:
        """Say what there is to say, until stopped."""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                await self.sweep()
            except (SlackError, StoreError) as error:
                log.warning("relay.waits", extra=facts(why=str(error), failures=self._failures))
                await self._pause(error)
            except Exception as error:
                # A fault of ours must not silence everything else that the bot does.
                log.exception("relay.failed")
                await self._pause(error)
            else:
                self._failures, self._problem = 0, None
                await _either(self._woken, self._patience.outbox)

    async def sweep(self) -> None:
        """Say everything that is in the outbox now.

        Raises:
            SlackError: Slack can't take the first row that is left.
            StoreError: the outbox can't be read or a row not be taken from it.
        """
        with untraced():
            rows = await self._store.outbox()
        self._taken = {row.id: self._taken[row.id] for row in rows if row.id in self._taken}
        for row in rows:
            if self._stopped.is_set():
                return
            with unit("relay", row=row.id):
                await self._deliver(row)
            self._failures = 0

    async def _pause(self, error: Exception) -> None:
        self._problem = error
        self._failures += 1
        seconds = self._patience.retry(self._failures, most=LONGEST_PAUSE_SECONDS)
        if isinstance(error, SlackUnavailable) and error.retry_after is not None:
            seconds = error.retry_after
        await _either(self._stopped, seconds)

    async def _deliver(self, row: OutboxRow) -> None:
        try:
            effect = _effects.decode(row.body)
        except msgspec.DecodeError as error:
            log.exception("relay.unreadable", extra=facts(row=row.id), exc_info=error)
            await self._store.discharge(Delivered(row=row.id))
            return
        try:
            await self._say(row, effect)
        except SlackRefused as error:
            log.error("relay.refused", extra=facts(row=row.id, why=str(error)))  # noqa: TRY400 - Slack's word says it all
            await self._set_aside(row, effect)

    async def _say(self, row: OutboxRow, effect: Effect) -> None:
        now = self._clock.now()
        message = render(effect, await self._reader(effect, now))
        match destination(effect):
            case ToRoom(card=None) | ToDriver(card=None) as to:
                await self._post(row, to, message)
                await self._store.discharge(Delivered(row=row.id))
            case ToRoom(card=str(card)) | ToDriver(card=str(card)) as to:
                await self._post_card(row, card, to, message)
            case ToCard(card=card):
                await self._edit_card(row, card, message, now)

    async def _set_aside(self, row: OutboxRow, effect: Effect) -> None:
        """Give up what would be refused for ever, since everything else would wait behind it."""
        delivered = Delivered(row=row.id)
        match destination(effect):
            case ToRoom(card=str(card)):
                # What nobody could be shown has begun all the same, or it would never end.
                posted = CardPosted(card=card, at=self._clock.now())
                await self._dispatcher.handle(posted, delivered=delivered)
            case _:
                await self._store.discharge(delivered)

    async def _post(self, row: OutboxRow, to: ToRoom | ToDriver, message: Message) -> _Posted:
        if row.id not in self._taken:
            if isinstance(to, ToDriver):
                channel, ts = await self._slack.tell(to.driver, message, row=row.id)
            else:
                channel, ts = await self._slack.post(self._room.channel, message, row=row.id)
            self._taken[row.id] = _Posted(channel=channel, ts=ts, at=self._clock.now())
        return self._taken[row.id]

    async def _post_card(
        self, row: OutboxRow, key: str, to: ToRoom | ToDriver, message: Message
    ) -> None:
        posted = await self._post(row, to, message)
        card = PostedCard(
            key=key, channel=posted.channel, ts=posted.ts, expires=posted.at + CARD_KEPT
        )
        await self._dispatcher.handle(
            CardPosted(card=key, at=posted.at), delivered=Delivered(row=row.id, card=card)
        )

    async def _edit_card(self, row: OutboxRow, key: str, message: Message, now: datetime) -> None:
        card = await self._store.card(key, now=now)
        if card is not None:
            await self._slack.update(card.channel, card.ts, message)
        await self._store.discharge(Delivered(row=row.id))

    async def _reader(self, effect: Effect, now: datetime) -> Reader:
        with step("names"):
            names = await self._directory.names(drivers_in(effect))
        return Reader(now=now, zone=self._room.zone, rules=self._room.rules, names=names)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event or until so many seconds have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
