"""People's names and who is an admin, as the workspace has them, remembered for a while."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from bot.clock import Clock
from bot.errors import SlackError
from bot.patience import Patience
from bot.slack import Profile

REMEMBERED_SECONDS = 15 * 60.0
FORGOTTEN_SECONDS = 30.0
MOST_PEOPLE = 2000


class Profiles(Protocol):
    """Whoever can tell who somebody is."""

    async def profile(self, user: str) -> Profile:
        """Ask who somebody is.

        Raises:
            SlackError: Slack won't or can't say.
        """
        ...


class _Known(Struct, frozen=True):
    profile: Profile | None
    until: float
    is_fresh: bool


class Directory:
    """A cache of profiles; a person whom Slack can't tell us of goes by their ID for a while."""

    def __init__(
        self,
        profiles: Profiles,
        *,
        admins: frozenset[str],
        clock: Clock,
        seconds: float = Patience().names,
    ) -> None:
        self._seconds = seconds
        self._profiles = profiles
        self._admins = admins
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def names(self, people: Iterable[str]) -> Mapping[str, str]:
        """Answer the display names of those who have one, without making anybody wait for them."""
        asked = tuple(set(people))
        found = await asyncio.gather(*map(self._look_up, asked))
        profiles = ((person, known.profile) for person, known in zip(asked, found, strict=True))
        return {person: profile.name for person, profile in profiles if profile is not None}

    async def is_admin(self, person: str) -> bool | None:
        """Whether the person may do what is for admins; None while Slack can't tell."""
        if person in self._admins:
            return True
        known = await self._look_up(person)
        # What we knew may be true no more: rights are taken away as well.
        return known.profile.is_admin if known.profile and known.is_fresh else None

    async def _look_up(self, person: str) -> _Known:
        known = self._known.get(person)
        if known is not None and self._clock.monotonic() < known.until:
            return known
        try:
            async with asyncio.timeout(self._seconds):
                fresh = await self._profiles.profile(person)
        except (SlackError, TimeoutError):
            # What we knew is better than nothing, for a name; not asking again at once is polite.
            profile = known.profile if known else None
            until = self._clock.monotonic() + FORGOTTEN_SECONDS
            return self._remember(person, _Known(profile, until, is_fresh=False))
        until = self._clock.monotonic() + REMEMBERED_SECONDS
        return self._remember(person, _Known(fresh, until, is_fresh=True))

    def _remember(self, person: str, known: _Known) -> _Known:
        if person not in self._known and len(self._known) >= MOST_PEOPLE:
            del self._known[next(iter(self._known))]
        self._known[person] = known
        return known
