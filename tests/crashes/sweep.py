"""The bot is ended at every step of the day, and each ending compared with the undisturbed one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct

from tests.crashes.day import Chapter
from tests.crashes.outcome import Outcome
from tests.crashes.steps import ANY, Victim
from tests.crashes.telling import Setting, Told, tell

# A start takes some thirty steps, and taking up what was left as many again.
LATEST_STEP = 60


class Death(Struct, frozen=True, kw_only=True):
    """What came of one death; `happened` is False where its step was not taken this time.

    `as_undisturbed` tells whether the site ended, and every message reads in the end, as without
    it; `lost` and `doubled` are what the bot said by itself more seldom or more often, and
    `unanswered` what somebody asked in private, and has to ask again.
    """

    chapter: str
    victim: Victim
    happened: bool = True
    as_undisturbed: bool = False
    lost: Counter[str] = Counter()
    doubled: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    failed: str = ""

    @property
    def harmless(self) -> bool:
        """Whether nobody was the worse for it; whoever is told twice only looks twice."""
        return self.as_undisturbed and not self.lost


class Sweep:
    """Deaths at one step in `every`, beginning anywhere; at a second one as well, if `twice`."""

    def __init__(
        self,
        setting: Setting,
        folder: Path,
        *,
        chance: Random,
        every: int = 1,
        twice: bool = False,
        at_once: int = 2,
    ) -> None:
        self._setting = setting
        self._folder = folder
        self._chance = chance
        self._every = every
        self._twice = twice
        self._gate = asyncio.Semaphore(at_once)
        self._told = 0

    async def deaths(self, chapters: Sequence[Chapter]) -> AsyncIterator[Death]:
        """Answer what came of each death, as they come."""
        undisturbed = [await self._tell(chapter) for chapter in chapters]
        told = [
            (chapter, told, victim)
            for chapter, told in zip(chapters, undisturbed, strict=True)
            for victim in victims(told)
        ]
        async with asyncio.TaskGroup() as group:
            deaths = [
                group.create_task(self._dies(*each))
                for each in told[self._chance.randrange(self._every) :: self._every]
            ]
            for death in asyncio.as_completed(deaths):
                yield await death

    async def _dies(self, chapter: Chapter, undisturbed: Told, victim: Victim) -> Death:
        again = (Victim(ANY, self._chance.randint(1, LATEST_STEP)),) if self._twice else ()
        async with self._gate:
            try:
                told = await self._tell(chapter, victim, *again)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, came of this death
                return Death(chapter=chapter.name, victim=victim, failed=repr(error))
        return compared(chapter, victim, undisturbed.outcome, told)

    async def _tell(self, chapter: Chapter, *victims: Victim) -> Told:
        self._told += 1
        return await tell(chapter, self._setting, self._folder / f"{self._told}", *victims)


def victims(told: Told) -> list[Victim]:
    """Name every step of a telling."""
    taken: Counter[str] = Counter()
    found = []
    for step in told.steps:
        taken[step] += 1
        found.append(Victim(step, taken[step]))
    return found


def compared(chapter: Chapter, victim: Victim, wanted: Outcome, told: Told) -> Death:
    """Compare how it ended with how it should have."""
    had = told.outcome
    return Death(
        chapter=chapter.name,
        victim=victim,
        happened=told.deaths > 0,
        as_undisturbed=had.site == wanted.site and wanted.reads <= had.reads,
        lost=wanted.said - had.said,
        doubled=had.said - wanted.said,
        unanswered=wanted.answers - had.answers,
    )
