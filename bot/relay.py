"""The outbox to Slack: one sender, calls before notices, and nothing forgotten or said twice.

A row leaves the outbox only once Slack has taken it, will never take it, or when it is overtaken.
While a conversation can't be spoken to, what is for it waits in its order, and the rest goes on.
That a card was posted is an event like any other: it starts the clock of what the card announces.

That somebody begins to say a row is noted first. A row that was begun and not crossed off may
have been said, by a process that died or in a call whose answer was lost: it is looked for in the
conversation's history. Only where that may not be read it is said again, and counted.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from bot.blocks import Message
from bot.bodies import effect_in
from bot.clock import Clock
from bot.directory import Directory
from bot.dispatch import Dispatcher
from bot.effects import ToDriver, ToRoom, drivers_in
from bot.errors import SlackError, SlackMisconfigured, SlackRefused
from bot.events import CardPosted
from bot.log import facts
from bot.messages import Reader, render
from bot.opaque import without_names
from bot.outbox import UNQUIET, Saying, in_order, is_overtaken, replaced, up_to_date
from bot.pace import Pace
from bot.patience import Patience
from bot.redaction import redacted
from bot.rules import Rules
from bot.slack import Slack
from bot.tracing import current, step, unit, untraced
from queue_store.errors import Deposed, StoreError
from queue_store.site import Site
from queue_store.store import Delivered, OutboxRow, PostedCard, QueueStore, Refusal

log = logging.getLogger(__name__)

CARD_KEPT = timedelta(days=30)
OUTDATED_KEPT = timedelta(hours=1)


class Room(Struct, frozen=True, kw_only=True):
    """Where the site is spoken of, by which clock and rules."""

    channel: str
    zone: ZoneInfo
    rules: Rules


class _Posted(Struct, frozen=True, kw_only=True):
    channel: str
    ts: str
    at: datetime


class _Fault(Struct, frozen=True):
    """How a row was stumbled over, and since when."""

    error: Exception
    since: datetime


class Rest(Struct, frozen=True):
    """What a sweep left: in how many seconds to look again, and whether that can't be helped."""

    seconds: float
    said: bool


class Relay:
    """Says what is in the outbox, for as long as `leads` says that it is ours to say.

    `term` is that of our leadership; the store refuses what an earlier one's leader would do.
    """

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
        term: int | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._slack = slack
        self._directory = directory
        self._room = room
        self._clock = clock
        self._patience = patience or Patience()
        self._term = term
        self._leads = leads
        self._pace = Pace(self._patience)
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._trouble: Exception | None = None
        self._failures = 0
        # What Slack took and the store did not cross off: a store in trouble repeats no mention.
        self._taken: dict[str, _Posted] = {}
        # What was begun and Slack certainly did not take.
        self._untaken: set[str] = set()
        self._unreadable: set[str] = set()
        self._faults: dict[str, _Fault] = {}

    @property
    def problem(self) -> Exception | None:
        """Why something can't be said just now, or None."""
        return self._trouble or self._pace.problem or self._fault

    @property
    def _fault(self) -> Exception | None:
        return next((fault.error for fault in self._faults.values()), None)

    def wake(self) -> None:
        """Look into the outbox now."""
        self._woken.set()

    def stop(self) -> None:
        """Say what can be said, and then nothing more."""
        self._stopped.set()
        self._woken.set()

    async def run(self) -> None:
        """Say what there is to say, until stopped."""
        while True:
            self._woken.clear()
            try:
                rest = await self.sweep()
            except StoreError as error:
                log.warning("relay.waits", extra=facts(why=str(error), failures=self._failures))
                rest = self._failed(error)
            except Exception as error:
                # A fault of ours must not silence everything else that the bot does.
                log.exception("relay.failed")
                rest = self._failed(error)
            else:
                self._failures, self._trouble = 0, None
            if self._stopped.is_set() and rest.said:
                return
            await _either(self._stopped if self._trouble else self._woken, rest.seconds)

    async def sweep(self) -> Rest:
        """Say everything that can be said now.

        Raises:
            StoreError: the outbox can't be read or a row not be taken from it.
        """
        with untraced():
            rows = await self._store.outbox()
            sayings = await self._readable(rows)
            # Read after the rows, or it would not know what they are about.
            site = await self._dispatcher.site() if sayings else None
        self._forget_what_is_gone(rows, sayings)
        return await self._go_through(sayings, site) if site else self._rest([])

    async def _go_through(self, sayings: list[Saying], site: Site) -> Rest:
        again = replaced(sayings)
        moot = again | {each.row.id for each in sayings if is_overtaken(each.effect, site)}
        untimely = self._untimely(sayings) - moot
        crowded: list[float] = []
        held: set[str] = set()
        # What a later one tells anew goes first, or it would be left when that one is said.
        for saying in sorted(in_order(sayings), key=lambda each: each.row.id not in again):
            about = _waits_for(saying)
            wait = self._pace.wait(saying.conversation, now=self._clock.monotonic())
            if wait > 0 or about & held:
                # What comes later in this conversation, or about this card, waits with it.
                held |= about
                if wait > 0 and not self._pace.is_troubled(saying.conversation):
                    crowded.append(wait)
                continue
            if saying.row.id in untimely:
                held |= about - {saying.conversation}
                continue
            with unit("relay", origin=saying.origin, **self._found_by(saying)):
                held |= await self._deliver(up_to_date(saying, site), moot=saying.row.id in moot)
            if self._woken.is_set():
                # What was decided meanwhile may come first.
                return Rest(0.0, said=False)
        return self._rest(crowded)

    def _rest(self, crowded: list[float]) -> Rest:
        return Rest(min([self._patience.outbox, *crowded]), said=not crowded)

    def _found_by(self, saying: Saying) -> dict[str, str]:
        site = self._room.channel
        return {"site": site, **without_names(saying.about, site=site)}

    def _failed(self, error: Exception) -> Rest:
        self._trouble = error
        self._failures += 1
        return Rest(self._patience.retry(self._failures, most=self._patience.store), said=True)

    def _forget_what_is_gone(self, rows: tuple[OutboxRow, ...], sayings: list[Saying]) -> None:
        there = {row.id for row in rows}
        self._taken = {row: posted for row, posted in self._taken.items() if row in there}
        self._untaken &= there
        self._unreadable &= there
        self._faults = {row: fault for row, fault in self._faults.items() if row in there}
        self._pace.keep_only({saying.conversation for saying in sayings})

    def _untimely(self, sayings: list[Saying]) -> set[str]:
        """Name the rows that quiet hours overtook; when these end they are said if still true."""
        if self._room.rules.quiet.begun(self._clock.now()) is None:
            return set()
        return {each.row.id for each in sayings if isinstance(each.effect, UNQUIET)}

    async def _readable(self, rows: tuple[OutboxRow, ...]) -> list[Saying]:
        sayings = []
        for row in rows:
            try:
                sayings.append(Saying(row=row, effect=effect_in(row.body)))
            except msgspec.DecodeError as error:
                await self._leave(row, error)
        return sayings

    async def _leave(self, row: OutboxRow, error: msgspec.DecodeError) -> None:
        """Leave a row to a newer version, which may be about to lead; but not for ever."""
        if row.id not in self._unreadable:
            self._unreadable.add(row.id)
            log.error("relay.unreadable", extra=facts(row=row.id), exc_info=error)
        if self._clock.now() - row.created > OUTDATED_KEPT:
            await self._cross_off(Delivered(row=row.id, refused=self._refusal(str(error))))

    async def _deliver(self, saying: Saying, *, moot: bool) -> set[str]:
        """Say it, or learn that it will never be said; else answer what waits with it."""
        try:
            await self._say(saying, moot=moot)
        except SlackRefused as error:
            told = facts(**saying.about, why=str(error))
            log.error("relay.refused", extra=told)  # noqa: TRY400 - Slack's word says it all
            await self._set_aside(saying, str(error))
        except SlackError as error:
            now = self._clock.monotonic()
            failures = self._pace.failed(saying.conversation, error, now=now)
            told = facts(**saying.about, why=str(error), failures=failures)
            log.warning("relay.waits", extra=told)
            return _waits_for(saying)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - told apart, logged and tried again
            # A fault of ours in one must not silence all the others.
            current().fail(error)
            await self._stumbled(saying, error)
            return _waits_for(saying) - {saying.conversation}
        return set()

    async def _stumbled(self, saying: Saying, error: Exception) -> None:
        """Leave it to a newer version that does it better; but not for ever."""
        row, now = saying.row.id, self._clock.now()
        if row not in self._faults:
            log.error("relay.failed", extra=facts(**saying.about), exc_info=error)
        fault = self._faults.setdefault(row, _Fault(error, now))
        if now - fault.since > OUTDATED_KEPT:
            await self._set_aside(saying, type(error).__name__)

    async def _say(self, saying: Saying, *, moot: bool) -> None:
        row = saying.row
        if saying.edits:
            await (self._drop(saying) if moot else self._edit(saying))
            return
        posted = self._taken.get(row.id) or await self._found(saying)
        if posted is None and moot:
            await self._drop(saying)
            return
        await self._note(saying, posted or await self._post(saying))

    async def _drop(self, saying: Saying) -> None:
        log.info("relay.overtaken", extra=facts(**saying.about))
        await self._cross_off(Delivered(row=saying.row.id))

    async def _found(self, saying: Saying) -> _Posted | None:
        """Look for a message that Slack may have taken although nobody noted it."""
        row = saying.row
        if row.begun is None or row.id in self._untaken:
            return None
        try:
            found = await self._slack.find(self._address(saying), row)
        except (SlackMisconfigured, SlackRefused) as error:
            if isinstance(error, SlackMisconfigured) and error.reason != "missing_scope":
                raise
            # Twice is better than never, where the history may not be read.
            log.warning("relay.may_repeat", extra=facts(row=row.id, why=str(error)))
            return None
        if found is None:
            return None
        log.info("relay.was_said", extra=facts(row=row.id))
        channel, ts = found
        return _Posted(channel=channel, ts=ts, at=datetime.fromtimestamp(float(ts), UTC))

    async def _post(self, saying: Saying) -> _Posted:
        row, message = saying.row, await self._rendered(saying)
        await self._store.begin(row.id, now=self._clock.now(), term=self._term)
        self._refuse_if_deposed()
        try:
            if isinstance(saying.to, ToDriver):
                channel, ts = await self._slack.tell(saying.to.driver, message, row=row)
            else:
                channel, ts = await self._slack.post(self._room.channel, message, row=row)
        except SlackError as error:
            (self._untaken.discard if error.obeyed else self._untaken.add)(row.id)
            raise
        self._pace.spoke(saying.conversation, now=self._clock.monotonic())
        self._taken[row.id] = _Posted(channel=channel, ts=ts, at=self._clock.now())
        return self._taken[row.id]

    async def _note(self, saying: Saying, posted: _Posted) -> None:
        if saying.card is None:
            await self._cross_off(Delivered(row=saying.row.id))
            log.info("relay.said", extra=facts(**saying.about))
            return
        card = PostedCard(
            key=saying.card, channel=posted.channel, ts=posted.ts, expires=posted.at + CARD_KEPT
        )
        await self._dispatcher.handle(
            CardPosted(card=saying.card, at=posted.at),
            delivered=Delivered(row=saying.row.id, card=card),
        )

    async def _edit(self, saying: Saying) -> None:
        card = await self._store.card(saying.card or "", now=self._clock.now())
        if card is not None:
            message = await self._rendered(saying)
            # A later leader may have edited it again, and for good.
            self._refuse_if_deposed()
            await self._slack.update(card.channel, card.ts, message)
            self._pace.spoke(saying.conversation, now=self._clock.monotonic())
        await self._cross_off(Delivered(row=saying.row.id))
        log.info("relay.said", extra=facts(**saying.about))

    def _refuse_if_deposed(self) -> None:
        if not self._leads():
            raise Deposed("the lease ran out before this was said")

    async def _set_aside(self, saying: Saying, why: str) -> None:
        """Give up what would fail for ever, and keep it for an administrator to see.

        An edit is not worth keeping: people saw what it was to change, and know what came of it.
        """
        refusal = None if saying.edits else self._refusal(why)
        delivered = Delivered(row=saying.row.id, refused=refusal)
        match saying.to:
            case ToRoom(card=str(card)):
                # What nobody could be shown has begun all the same, or it would never end.
                posted = CardPosted(card=card, at=self._clock.now())
                await self._dispatcher.handle(posted, delivered=delivered)
            case _:
                await self._cross_off(delivered)

    async def _cross_off(self, delivered: Delivered) -> None:
        await self._store.discharge(delivered, term=self._term)

    def _refusal(self, why: str) -> Refusal:
        return Refusal(why=redacted(why), expires=self._clock.now() + CARD_KEPT)

    def _address(self, saying: Saying) -> str:
        to = saying.to
        return to.driver if isinstance(to, ToDriver) else self._room.channel

    async def _rendered(self, saying: Saying) -> Message:
        with step("names"):
            names = await self._directory.names(drivers_in(saying.effect))
        reader = Reader(
            now=self._clock.now(), zone=self._room.zone, rules=self._room.rules, names=names
        )
        with step("render"):
            return render(saying.effect, reader)


def _waits_for(saying: Saying) -> set[str]:
    """Name what has to be free to say it, and isn't while it waits."""
    if saying.card is None:
        return {saying.conversation}
    # Edits of different cards have no order; what slows them all down, the pace knows.
    return {saying.card} if saying.edits else {saying.conversation, saying.card}


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event or until so many seconds have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
