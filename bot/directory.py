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
        found = await asyncio.gather(*map(self._profile, asked))
        profiles = zip(asked, found, strict=True)
        return {person: profile.name for person, profile in profiles if profile is not None}

    async def is_admin(self, person: str) -> bool:
        """Whether the person may do what is for admins; no, while Slack can't tell."""
        if person in self._admins:
            return True
        found = await self._profile(person)
        return found is not None and found.is_admin

    async def _profile(self, person: str) -> Profile | None:
        known = self._known.get(person)
        if known is not None and self._clock.monotonic() < known.until:
            return known.profile
        try:
            async with asyncio.timeout(self._seconds):
                fresh = await self._profiles.profile(person)
        except (SlackError, TimeoutError):
            # What we knew is better than nothing, for a name; not asking again at once is polite.
            return self._remember(person, known.profile if known else None, FORGOTTEN_SECONDS)
        return self._remember(person, fresh, REMEMBERED_SECONDS)

    def _remember(self, person: str, profile: Profile | None, seconds: float) -> Profile | None:
        if person not in self._known and len(self._known) >= MOST_PEOPLE:
            del self._known[next(iter(self._known))]
        self._known[person] = _Known(profile, self._clock.monotonic() + seconds)
        return profile
