"""Load, decide, commit: the only caller of `decide`, and the only way to change a site.

A conflict remakes the decision on the fresh site. A repeated request gets the answer that it was
given before. What was committed, here or by another instance, is told to those who act on it: the
relay, the scheduler, and whoever can look at the ports.

Every instance makes people's requests so; only the leader what stations, time and Slack tell.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.bodies import written
from bot.clock import Clock
from bot.concierge import Decision, decide
from bot.events import CardPosted, Event, Request
from bot.log import facts
from bot.opaque import without_names
from bot.reasons import about, consequences
from bot.replies import Reply
from bot.rules import Rules
from bot.tracing import current, origin, step
from queue_store.errors import Conflict, Deposed, Repeated, StoreError, StoreUnavailable
from queue_store.site import Site
from queue_store.store import Answered, Commit, Delivered, QueueStore, Snapshot

log = logging.getLogger(__name__)

ANSWER_KEPT = timedelta(days=7)
MOST_ATTEMPTS = 20
LONGEST_PAUSE_SECONDS = 0.2

# By then whoever asked can be told that nothing was changed, where that is so, instead of only that
# it couldn't be confirmed.
ASKED_SECONDS = 2.3

_answers = msgspec.json.Decoder(Reply | None)


class Outcome(Struct, frozen=True, kw_only=True):
    """What the one who asked is told; `repeated` if this very request was answered before."""

    reply: Reply | None = None
    repeated: bool = False


class Committed(Struct, frozen=True, kw_only=True):
    """A decision that holds from now on."""

    site: Site
    at: datetime
    speaks: bool
    look: bool


class Leadership(Protocol):
    """Tells whether this instance leads."""

    @property
    def term(self) -> int | None:
        """The term in which it leads, or None."""
        ...


class Dispatcher:
    """Takes events one at a time and makes them so; alone, unless given a leadership."""

    def __init__(
        self, store: QueueStore, *, clock: Clock, rules: Rules, leadership: Leadership | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._leadership = leadership
        self._revision = 0
        self._turn = asyncio.Lock()
        self._listeners: list[Callable[[Committed], None]] = []
        self._worried: list[Callable[[], None]] = []
        self._problem: StoreError | None = None

    @property
    def problem(self) -> StoreError | None:
        """Why the last event could not be made so, or None."""
        return self._problem

    def listen(self, listener: Callable[[Committed], None]) -> None:
        """Tell the listener of everything that is committed from now on."""
        self._listeners.append(listener)

    def listen_for_trouble(self, listener: Callable[[], None]) -> None:
        """Tell the listener of every event that was not, or perhaps not, made so."""
        self._worried.append(listener)

    async def site(self) -> Site:
        """Answer the site as it stands."""
        return (await self._store.load()).site

    async def catch_up(self) -> None:
        """Tell the listeners if somebody else has changed the site.

        Raises:
            StoreError: the site can't be read.
        """
        snapshot = await self._store.load()
        if snapshot.revision > self._revision:
            self._revision = snapshot.revision
            now = self._clock.now()
            self._tell(Committed(site=snapshot.site, at=now, speaks=True, look=False))

    async def handle(
        self, event: Event, *, request: str | None = None, delivered: Delivered | None = None
    ) -> Outcome:
        """Make the event so and answer what is to be said to whoever asked.

        `request` names a delivery that may come twice; `delivered` is the outbox row that the
        event is about.

        Raises:
            Deposed: the event is for the leader, and that is another instance.
            StoreError: nothing was changed, or, if OutcomeUnknown, perhaps it was.
        """
        try:
            # Two events at once in one process would only fight each other over the revision.
            async with _unchanged_in_time(event) as limit, self._turn:
                outcome = await self._retried(event, request, delivered, limit)
        except Repeated as repeated:
            log.info("event.repeated", extra=facts(event=_name(event), request=request))
            outcome = Outcome(reply=_remembered(repeated.answer), repeated=True)
        except Deposed:
            raise
        except StoreError as error:
            self._worry(error)
            raise
        self._problem = None
        return outcome

    async def _retried(
        self,
        event: Event,
        request: str | None,
        delivered: Delivered | None,
        limit: asyncio.Timeout,
    ) -> Outcome:
        for attempts in range(1, MOST_ATTEMPTS):
            try:
                return await self._attempt(event, request, delivered, limit)
            except Conflict:
                current().annotate(conflicts=attempts)
                await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - jitter
        return await self._attempt(event, request, delivered, limit)

    async def _attempt(
        self,
        event: Event,
        request: str | None,
        delivered: Delivered | None,
        limit: asyncio.Timeout,
    ) -> Outcome:
        now, term = self._clock.now(), self._term_for(event)
        if request is not None:
            answer = await self._store.answered(request, now=now)
            if answer is not None:
                raise Repeated(answer)
        with step("load"):
            snapshot = await self._store.load()
        known = without_names(about(event, snapshot.site), site=snapshot.site.id)
        current().annotate(site=snapshot.site.id, **_found_by(known), **_in_term(term))
        with step("decide", revision=snapshot.revision, **known) as deciding:
            decision = decide(snapshot.site, event, now=now, rules=self._rules)
            deciding.annotate(outcome=_outcome(decision))
        current().annotate(outcome=_outcome(decision))
        if request is not None or delivered is not None or _matters(snapshot, decision):
            limit.reschedule(None)
            with step("commit"):
                commit = _commit(snapshot, decision, now, request, delivered)
                revision = await self._store.commit(replace(commit, term=term))
        else:
            revision = snapshot.revision
        self._revision = max(self._revision, revision)
        speaks = bool(decision.effects)
        self._tell(Committed(site=decision.site, at=now, speaks=speaks, look=decision.look))
        self._log(event, snapshot.site, decision, now)
        return Outcome(reply=decision.reply)

    def _term_for(self, event: Event) -> int | None:
        if self._leadership is None or isinstance(event, Request):
            return None
        if self._leadership.term is None:
            raise Deposed("another instance leads")
        return self._leadership.term

    def _worry(self, error: StoreError) -> None:
        self._problem = error
        for listener in self._worried:
            listener()

    def _tell(self, committed: Committed) -> None:
        for listener in self._listeners:
            listener(committed)

    def _log(self, event: Event, before: Site, decision: Decision, now: datetime) -> None:
        """Write down what was decided and why; what nobody would look for only when debugging."""
        why = consequences(before, event, decision, now=now, rules=self._rules)
        dull = not (why or decision.effects or isinstance(event, Request | CardPosted))
        log.log(
            logging.DEBUG if dull else logging.INFO,
            "event.decided",
            extra=facts(
                **about(event, before),
                **({"reply": _name(decision.reply)} if decision.reply else {}),
                **why,
                **({"said": _said(decision)} if decision.effects else {}),
            ),
        )


@asynccontextmanager
async def _unchanged_in_time(event: Event) -> AsyncIterator[asyncio.Timeout]:
    """Give up what a person waits for, unless the limit is lifted because it may be changed now.

    Raises:
        StoreUnavailable: it took too long; nothing was changed.
    """
    seconds = ASKED_SECONDS if isinstance(event, Request) else None
    try:
        async with asyncio.timeout(seconds) as limit:
            yield limit
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise StoreUnavailable("the store takes too long; nothing was changed") from error


def _found_by(known: dict[str, str]) -> dict[str, str]:
    """Answer by what a unit of work is to be found."""
    driver = {"driver": known["by"]} if "by" in known else {}
    return {"event": known["event"], **driver, **{k: known[k] for k in ("port",) if k in known}}


def _in_term(term: int | None) -> dict[str, int]:
    return {} if term is None else {"term": term}


def _outcome(decision: Decision) -> str:
    return _name(decision.reply) if decision.reply else _said(decision) or "nothing"


def _said(decision: Decision) -> str:
    return ",".join(_name(effect) for effect in decision.effects)


def _remembered(answer: bytes) -> Reply | None:
    try:
        reply: Reply | None = _answers.decode(answer)
    except msgspec.DecodeError as error:
        # While a deployment replaces one version by another, the other may have answered.
        log.warning("answer.unreadable", extra=facts(why=str(error)))
        return None
    return reply


def _matters(snapshot: Snapshot, decision: Decision) -> bool:
    return decision.site != snapshot.site or bool(decision.effects)


def _commit(
    snapshot: Snapshot,
    decision: Decision,
    now: datetime,
    request: str | None,
    delivered: Delivered | None,
) -> Commit:
    answered = None
    if request is not None:
        answer = msgspec.json.encode(decision.reply)
        answered = Answered(request=request, answer=answer, expires=now + ANSWER_KEPT)
    return Commit(
        site=decision.site,
        seen=snapshot.revision,
        now=now,
        answered=answered,
        bodies=tuple(written(effect, origin=origin()) for effect in decision.effects),
        delivered=delivered,
        forgotten=decision.forgotten,
    )


def _name(value: Struct | None) -> str:
    return "nothing" if value is None else type(value).__name__
