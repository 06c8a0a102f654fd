"""Days of an office on which this and that happened, as the state that they led to."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st

from bot.events import Asker, ClockTicked, SessionClaimed
from bot.rules import Rules
from queue_store.site import Site
from tests.story import ADA, ALAN, EAST, GRACE, WEST, ZONE, Story

Move = Callable[[Story], object]

RULES = Rules(zone=ZONE, charging_limit=timedelta(minutes=20))
DRIVERS = (ADA, GRACE, ALAN)
STATIONS = (EAST, WEST)


def _says(driver: str, words: str, *, admin: bool = False) -> Move:
    return lambda story: story.says(driver, words, admin=admin)


def _presses(driver: str, button: str) -> Move:
    def move(story: Story) -> None:
        if story.site.offer_to(driver) is not None:
            story.presses(driver, button)

    return move


def _claims(driver: str, station: str) -> Move:
    def move(story: Story) -> None:
        session = story.port(station).session
        if session is not None:
            asker = Asker(driver=driver)
            story.happens(SessionClaimed(asker=asker, session=session.number))

    return move


def _waits(minutes: float) -> Move:
    def move(story: Story) -> None:
        story.now += timedelta(minutes=minutes)
        story.happens(ClockTicked())

    return move


def _plugs_in(station: str, user: str | None) -> Move:
    return lambda story: story.plugs_in(station, user)


def _plugs_out(station: str) -> Move:
    return lambda story: story.plugs_out(station)


MOVES: tuple[Move, ...] = (
    *(_says(driver, "add") for driver in DRIVERS for _ in range(2)),
    *(_says(driver, "remove") for driver in DRIVERS),
    *(_says(driver, "suspend 10") for driver in DRIVERS),
    *(_says(driver, f"register {user}") for driver in DRIVERS for user in ("600001", "600002")),
    _says(ADA, "pause EAST", admin=True),
    _says(ADA, "unpause EAST", admin=True),
    *(_presses(driver, "on my way") for driver in DRIVERS),
    *(_presses(driver, "not now") for driver in DRIVERS),
    *(_presses(driver, "can't use it") for driver in DRIVERS),
    *(_claims(driver, station) for driver in DRIVERS for station in STATIONS),
    *(_plugs_in(station, user) for station in STATIONS for user in (None, "600001", "600002", "9")),
    *(_plugs_out(station) for station in STATIONS for _ in range(3)),
    *(_waits(minutes) for minutes in (0.5, 1, 6, 25)),
)


def days(*, moves: int = 30) -> st.SearchStrategy[Story]:
    """Answer stories at the end of such a day."""
    return st.lists(st.sampled_from(MOVES), max_size=moves).map(_lived)


def numbers(site: Site) -> st.SearchStrategy[int]:
    """Answer numbers of what is or was there, and others."""
    return st.integers(0, site.serial + 1) | st.integers(0, 10**18 - 1)


def _lived(moves: list[Move]) -> Story:
    story = Story(rules=RULES)
    for move in moves:
        move(story)
    return story
