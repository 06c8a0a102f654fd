"""The outbox to Slack: one sender, in the order of what was decided, and nothing forgotten.

A row leaves the outbox only once Slack has taken it, or will never take it. While Slack can't
take it the rest waits behind it, so nothing overtakes anything. That a card was posted is an
event like any other: it starts the clock of what the card announces.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from bot.clock import Clock
from bot.directory import Directory
from bot.dispatch import Dispatcher
from bot.effects import Effect, ToCard, ToDriver, ToRoom, destination, drivers_in
from bot.errors import SlackError, SlackRefused, SlackUnavailable
from bot.events import CardPosted
from bot.log import facts
from bot.messages import Message, Reader, render
from bot.rules import Rules
from bot.slack import Slack
from bot.tracing import step, unit, untraced
from queue_store.errors import StoreError
from queue_store.store import Delivered, OutboxRow, PostedCard, QueueStore

log = logging.getLogger(__name__)

CARD_KEPT = timedelta(days=30)
POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

_effects = msgspec.json.Decoder(Effect)


class Room(Struct, frozen=True, kw_only=True):
    """Where the site is spoken of, by which clock and rules."""

    channel: str
    zone: ZoneInfo
    rules: Rules


class Relay:
    """Says what is in the outbox."""

    def __init__(
        self,
        store: QueueStore,
        dispatcher: Dispatcher,
        slack: Slack,
        directory: Directory,
        *,
        room: Room,
        clock: Clock,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._slack = slack
        self._directory = directory
        self._room = room
        self._clock = clock
        self._woken = asyncio.Event()
        self._problem: SlackError | StoreError | None = None

    @property
    def problem(self) -> SlackError | StoreError | None:
        """Why nothing can be said just now, or None."""
        return self._problem

    def wake(self) -> None:
        """Look into the outbox now."""
        self._woken.set()

    async def run(self) -> None:
        """Say what there is to say, for ever."""
        failures = 0
        while True:
            self._woken.clear()
            try:
                await self.sweep()
            except (SlackError, StoreError) as error:
                failures += 1
                await asyncio.sleep(self._pause(error, failures))
            else:
                failures, self._problem = 0, None
                await self._rest()

    async def sweep(self) -> None:
        """Say everything that is in the outbox now.

        Raises:
            SlackError: Slack can't take the first row that is left.
            StoreError: the outbox can't be read or a row not be taken from it.
        """
        with untraced():
            rows = await self._store.outbox()
        for row in rows:
            with unit("relay", row=row.id):
                await self._deliver(row)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    def _pause(self, error: SlackError | StoreError, failures: int) -> float:
        self._problem = error
        log.warning("relay.waits", extra=facts(why=str(error), failures=failures))
        if isinstance(error, SlackUnavailable) and error.retry_after is not None:
            return error.retry_after
        return float(min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(failures, 10)))

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
            # It would be refused for ever, and everything else would wait behind it.
            log.error("relay.refused", extra=facts(row=row.id, why=str(error)))  # noqa: TRY400 - Slack's word says it all
            await self._store.discharge(Delivered(row=row.id))

    async def _say(self, row: OutboxRow, effect: Effect) -> None:
        now = self._clock.now()
        message = render(effect, await self._reader(effect, now))
        match destination(effect):
            case ToRoom(card=None):
                await self._slack.post(self._room.channel, message, row=row.id)
                await self._store.discharge(Delivered(row=row.id))
            case ToDriver(driver=driver):
                await self._slack.post(driver, message, row=row.id)
                await self._store.discharge(Delivered(row=row.id))
            case ToRoom(card=str(card)):
                await self._post_card(row, card, message, now)
            case ToCard(card=card):
                await self._edit_card(row, card, message, now)

    async def _post_card(self, row: OutboxRow, key: str, message: Message, now: datetime) -> None:
        channel, ts = await self._slack.post(self._room.channel, message, row=row.id)
        card = PostedCard(key=key, channel=channel, ts=ts, expires=now + CARD_KEPT)
        await self._dispatcher.handle(
            CardPosted(card=key, at=now), delivered=Delivered(row=row.id, card=card)
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
