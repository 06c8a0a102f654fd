"""One office, and instances that come and go; a witness holds each commit to the rules.

What is committed must be what one bot alone would have decided, one event after the other.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from bot.bodies import effect_in
from bot.directory import Directory
from bot.dispatch import Dispatcher, Outcome
from bot.effects import Effect
from bot.events import Event
from bot.patience import Patience
from bot.relay import Relay, Room
from bot.rules import Rules
from bot.slack import Slack as RealSlack
from queue_store.errors import StoreError
from queue_store.site import Site
from queue_store.store import FORGOTTEN, Commit, Delivered, row_id
from tests.instances.chat import Chat, Slack
from tests.instances.memory import MemoryStore, Shelf
from tests.instances.turns import Turns
from tests.promises import Witness
from tests.story import NINE, RULES

LEASE_SECONDS = 15.0
PATIENCE = Patience(pace=0.0, first_retry=0.0)
SITE = "office"

_deciding: ContextVar[Event] = ContextVar("deciding")


class Time:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self._now = NINE

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def turn(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class WitnessedShelf(Shelf):
    """Lets the witness decide everything once more, in the order in which it was committed."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(SITE)
        self.witness = Witness(rules=rules, now=NINE)
        self.forgotten: set[str] = set()
        self.said: dict[str, Effect] = {}

    def commit(self, commit: Commit) -> int:
        revision = super().commit(commit)
        self.forgotten |= {k for k, each in self.answers.items() if each.answer == FORGOTTEN}
        self.witness.now = commit.now
        decision = self.witness.happens(_deciding.get())
        assert (decision.site, len(decision.effects)) == (commit.site, len(commit.bodies))
        for place, body in enumerate(commit.bodies):
            self.said[row_id(revision, place)] = effect_in(body)
        return revision


class WitnessedDispatcher(Dispatcher):
    """Says what it is deciding about."""

    async def handle(
        self, event: Event, *, request: str | None = None, delivered: Delivered | None = None
    ) -> Outcome:
        token = _deciding.set(event)
        try:
            return await super().handle(event, request=request, delivered=delivered)
        finally:
            _deciding.reset(token)


class _Nobody:
    """A directory of nobody: people go by their IDs."""

    async def names(self, _: object) -> dict[str, str]:
        return {}


class Instance:
    """A store, a lease, a dispatcher, and a relay for as long as it leads."""

    def __init__(self, world: "World") -> None:
        self.is_awake = True
        self._world = world

        def pause() -> Coroutine[Any, Any, None]:
            return world.turns.wait(self)

        clock = world.time
        self._store = MemoryStore(world.shelf, pause=pause, monotonic=clock.monotonic)
        self.lease = self._store.lease(seconds=LEASE_SECONDS)
        self.dispatcher = WitnessedDispatcher(
            self._store, clock=clock, rules=world.rules, leadership=self.lease
        )
        self.slack = Slack(world.chat, pause=pause, chance=world.chance, trouble=world.trouble)
        self.tasks: set[asyncio.Task[None]] = set()
        self._relay: Relay | None = None
        self._term: int | None = None
        self._sweeping: asyncio.Task[None] | None = None

    def handle(self, event: Event, request: str | None = None) -> None:
        """Begin to make an event so."""

        async def handle() -> None:
            with suppress(StoreError):
                outcome = await self.dispatcher.handle(event, request=request)
                if request is not None:
                    self._world.outcomes[request].append(outcome)

        self._begin(handle())

    def keep(self) -> None:
        """Begin to keep the lease."""

        async def keep() -> None:
            await self.lease.keep()
            self.notice()

        self._begin(keep())

    def sweep(self) -> None:
        """Begin to say what there is to say, unless that is under way."""
        self.notice()
        relay = self._relay
        if relay is None or (self._sweeping is not None and not self._sweeping.done()):
            return

        async def sweep() -> None:
            with suppress(StoreError):
                await relay.sweep()

        self._sweeping = self._begin(sweep())

    def notice(self) -> None:
        """Begin another term's work if another term has begun, and end the last one's."""
        if self.lease.term == self._term:
            return
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._term = self.lease.term
        self._relay = None if self._term is None else self._new_relay(self._term)

    def wake_up(self) -> None:
        """Go on where it fell asleep, and notice sooner or later how late it is."""
        self.is_awake = True

        async def notice() -> None:
            await self._world.turns.wait(self)
            self.notice()

        self._begin(notice())

    def die(self) -> None:
        """Do nothing more."""
        for task in self.tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._world.group.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _new_relay(self, term: int) -> Relay:
        world = self._world
        return Relay(
            self._store,
            self.dispatcher,
            cast("RealSlack", self.slack),
            cast("Directory", _Nobody()),
            room=Room(channel="C0ROOM", zone=ZoneInfo("UTC"), rules=world.rules),
            clock=world.time,
            patience=PATIENCE,
            term=term,
            leads=lambda: self.lease.term == term,
        )


class World:
    """Everything there is; whatever happens in it is for others to say."""

    def __init__(self, group: asyncio.TaskGroup, chance: Random, *, trouble: float) -> None:
        self.group = group
        self.chance = chance
        self.trouble = trouble
        self.rules = RULES
        self.time = Time()
        self.turns = Turns(chance)
        self.shelf = WitnessedShelf(self.rules)
        self.chat = Chat(self.time.monotonic)
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)
        self.instances = [Instance(self), Instance(self)]
        self.deaths = 0

    @property
    def site(self) -> Site:
        """The site as it stands."""
        return self.shelf.loaded().site

    @property
    def leaders(self) -> Iterator[Instance]:
        """Who leads, or believes so."""
        return (each for each in self.instances if each.lease.term is not None)

    @property
    def happened(self) -> Counter[str]:
        """Count what happened until now."""
        return Counter(
            lives=1,
            deaths=self.deaths,
            commits=self.shelf.revision,
            terms=self.shelf.term,
            requests=len(self.outcomes),
            repeats=sum(len(each) - 1 for each in self.outcomes.values()),
            said=len(self.chat.posted),
            turns=self.turns.given,
        )

    def dies(self, which: int) -> None:
        """Let one die, and another one come in its place."""
        self.deaths += 1
        self.instances[which].die()
        self.instances[which] = Instance(self)

    async def goes_on(self, turns: int | None = None) -> None:
        """Let everybody who is awake go on for so many turns, or until nobody is under way."""
        while turns is None or turns > 0:
            if not await self.turns.give(lambda each: cast("Instance", each).is_awake):
                return
            turns = None if turns is None else turns - 1
