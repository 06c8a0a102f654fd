"""A day in chapters, each of which can be told alone: who does what, and not what comes of it.

What comes of it is whatever an undisturbed telling shows; a disturbed one must show the same.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from playground.slack.workspace import ROOM, dm_of
from queue_store.site import Entry, Site
from tests.bot.office import (
    ADA,
    ADAS_CAR,
    ALAN,
    EAST,
    GRACE,
    GRACES_CAR,
    HEDY,
    LISES_CAR,
    WEST,
)
from tests.crashes.clock import NINE
from tests.crashes.people import Office

LISE = "U0LISE"
ALANS_CAR, ALANS_OTHER_CAR, STRANGE_CAR = "700103", "700198", "700199"
KNOWN = {ADAS_CAR: ADA, GRACES_CAR: GRACE, ALANS_CAR: ALAN, LISES_CAR: LISE}


class Chapter(Struct, frozen=True, kw_only=True):
    """A part of the day, which begins so many minutes after the cars came.

    `who_waits` are in the queue by then. The bot's own start is a part of the chapter where it is
    `watched_from_birth`.
    """

    name: str
    happens: Callable[[Office], Awaitable[None]]
    who_waits: tuple[str, ...] = ()
    minutes: float = 0
    watched_from_birth: bool = False

    @property
    def site(self) -> Site:
        """The site when it begins."""
        joined = NINE - timedelta(hours=1)
        queue = tuple(Entry(driver=driver, joined=joined) for driver in self.who_waits)
        return Site(id=ROOM, queue=queue, registrations=KNOWN)


async def _first_thing(office: Office) -> None:
    await office.types(ALAN, f"register {ALANS_OTHER_CAR}")
    await office.types(ADA, "add")
    await office.says(GRACE, "ev add")
    await office.says(ALAN, "ev add\nev suspend 45")
    await office.says(HEDY, "list", channel=dm_of(HEDY))
    await office.types(GRACE, "add until 16:00")
    await office.types(ADA, "remove")


async def _a_turn(office: Office) -> None:
    await office.drives_off(EAST)
    await office.presses(ADA, "<@U0ADA>", "offer.on_my_way")
    await office.passes(minutes=4)
    await office.plugs_in(EAST, user=ADAS_CAR)
    await office.drives_off(WEST)
    await office.presses(GRACE, "<@U0GRACE>", "offer.not_now")


async def _nobody_comes(office: Office) -> None:
    await office.drives_off(EAST)
    await office.passes(minutes=11)
    await office.passes(minutes=6)
    await office.types(HEDY, "next")
    await office.passes(minutes=2)
    await office.plugs_in(EAST, user=ALANS_CAR)
    await office.passes(minutes=1)


async def _nobody_wants_it(office: Office) -> None:
    await office.drives_off(EAST)
    await office.passes(minutes=11)
    await office.types(HEDY, "add")
    await office.presses(HEDY, "<@U0HEDY>", "offer.cant_use_it")


async def _a_long_stay(office: Office) -> None:
    await office.passes(minutes=11)
    await office.presses(LISE, "<@U0LISE>", "move.later")
    await office.passes(minutes=16)
    await office.presses(LISE, "<@U0LISE>", "move.now")
    await office.drives_off(WEST)


async def _strangers(office: Office) -> None:
    await office.drives_off(WEST)
    await office.passes(minutes=2)
    await office.plugs_in(WEST, user=STRANGE_CAR)
    await office.presses(ADA, "Was that you?", "was.mine")
    await office.passes(minutes=3)
    await office.drives_off(EAST)
    await office.passes(minutes=2)
    await office.plugs_in(EAST, user=None)
    await office.passes(minutes=0.5)
    await office.presses(ALAN, "Who is it?", "session.claim")


async def _good_bye(office: Office) -> None:
    await office.types(GRACE, "forget me")
    await office.presses(GRACE, "Shall I delete everything", "forget.confirm")


DAY = (
    Chapter(name="first thing", happens=_first_thing, watched_from_birth=True),
    Chapter(name="a turn", happens=_a_turn, who_waits=(ADA, GRACE)),
    Chapter(name="nobody comes", happens=_nobody_comes, who_waits=(ADA, GRACE, ALAN)),
    Chapter(name="nobody wants it", happens=_nobody_wants_it),
    Chapter(name="a long stay", happens=_a_long_stay, who_waits=(ADA,), minutes=140),
    Chapter(name="strangers", happens=_strangers, who_waits=(ADA,)),
    Chapter(name="good-bye", happens=_good_bye, who_waits=(GRACE, ADA)),
)
