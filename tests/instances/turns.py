"""Lets one task at a time go on, whichever chance picks, until it waits for its next turn.

So everything that may happen between two tasks happens sooner or later, and a seed tells which.
"""

import asyncio
from collections.abc import Callable
from random import Random


class Turns:
    """Who waits for a turn; each belongs to somebody, who may be asleep."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.given = 0
        self._waiting: list[tuple[object, asyncio.Future[None]]] = []

    async def wait(self, owner: object) -> None:
        """Wait for a turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((owner, turn))
        await turn

    async def give(self, is_awake: Callable[[object], bool]) -> bool:
        """Let somebody who is awake go on; answer whether there was anybody."""
        await self._all_wait()
        ready = [each for each in self._waiting if is_awake(each[0])]
        if not ready:
            return False
        chosen = self._chance.choice(ready)
        self._waiting.remove(chosen)
        chosen[1].set_result(None)
        self.given += 1
        await self._all_wait()
        return True

    async def _all_wait(self) -> None:
        """Return when everybody waits, be it for a turn."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        # Whoever can go on is among the loop's ready callbacks, and nobody here waits for time.
        while loop._ready:  # type: ignore[attr-defined] # noqa: ASYNC110 - the only one who knows
            await asyncio.sleep(0)
        self._waiting = [each for each in self._waiting if not each[1].done()]
