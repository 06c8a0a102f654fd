"""What goes wrong between the bot and its neighbours, at random and for a while."""

import asyncio
from collections import Counter
from random import Random

from playground.slack.faults import Break, Fault, Hang, Limit, LoseAnswer, Refuse, Reset
from playground.soap import EVERY_OPERATION, Trouble
from tests.bot.office import Neighbours
from tests.chargepoint.link import Link
from tests.crashes.supervisor import Lives
from tests.queue_store.between import Wire

SLACK: tuple[Fault, ...] = (
    Break(500),
    Break(503),
    Hang(),
    Limit(1),
    LoseAnswer(),
    Refuse("internal_error"),
    Reset(),
)
METHODS = (
    *("chat.postMessage",) * 5,
    "chat.update",
    "conversations.history",
    "conversations.open",
    "users.info",
)
SOAP = (Trouble.DENIES_ACCESS, Trouble.FAILS, Trouble.TALKS_GARBAGE, Trouble.REFUSES_CREDENTIALS)
STORE = {"throttled": "throttled", "conflicting": "in conflict", "done": "failed though done"}


class Weather:
    """Bad weather of one kind or another; `link` leads to the stream, `wire` to the store."""

    def __init__(
        self, neighbours: Neighbours, lives: Lives, link: Link, wire: Wire | None, chance: Random
    ) -> None:
        self.faults: Counter[str] = Counter()
        self._neighbours = neighbours
        self._lives = lives
        self._link = link
        self._wire = wire
        self._chance = chance
        self._until_fair = 0

    @property
    def is_fair(self) -> bool:
        """Whether the bot hears and reads ChargePoint."""
        return self._until_fair == 0

    async def changes(self) -> None:
        """Let it get worse or better, as chance has it."""
        if self._until_fair:
            self._until_fair -= 1
            if self._until_fair == 0:
                self._lets_chargepoint_through()
            return
        kinds = [self._slack, self._slack, self._stream, self._soap]
        if self._wire is not None:
            kinds += [self._lost_answers, self._refusals, self._silence]
        await self._chance.choice(kinds)()

    def clears_up(self) -> None:
        """Let everything work again."""
        self._lets_chargepoint_through()
        self._neighbours.slack.web_api.faults.clear()

    def _lets_chargepoint_through(self) -> None:
        self._until_fair = 0
        self._link.thaw()
        self._link.drips = False
        self._neighbours.network.soap.troubles.clear()

    async def _slack(self) -> None:
        fault, method = self._chance.choice(SLACK), self._chance.choice(METHODS)
        self.faults[f"Slack {type(fault).__name__.lower()}"] += 1
        times = self._chance.randint(1, 3)
        self._neighbours.slack.web_api.faults.add(method, fault, times=times)

    async def _stream(self) -> None:
        how = self._chance.choice(("cut", "dead", "dripping"))
        self.faults[f"stream {how}"] += 1
        if how == "cut":
            self._link.cut()
            return
        self._link.freeze()
        self._link.drips = how == "dripping"
        self._lasts()

    async def _soap(self) -> None:
        trouble = self._chance.choice(SOAP)
        self.faults[f"SOAP {trouble.name.lower().replace('_', ' ')}"] += 1
        self._neighbours.network.soap.troubles[EVERY_OPERATION] = trouble
        self._lasts()

    async def _lost_answers(self) -> None:
        self.faults["store's answer lost"] += 1
        assert self._wire is not None
        self._wire.swallowing = self._chance.randint(1, 2)

    async def _silence(self) -> None:
        self.faults["store silent for a second"] += 1
        wire = self._wire
        assert wire is not None

        def speak() -> None:
            wire.mute = False

        wire.mute = True
        asyncio.get_running_loop().call_later(1.0, speak)

    async def _refusals(self) -> None:
        how = self._chance.choice([*STORE])
        self.faults[f"store {STORE[how]}"] += 1
        await self._lives.ask(f"refuse {how}")

    def _lasts(self) -> None:
        self._until_fair = self._chance.randint(1, 4)
