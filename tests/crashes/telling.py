"""One telling of a chapter: undisturbed, or with a death in it."""

from pathlib import Path

from msgspec import Struct

from playground.slack.options import SCOPES, Options
from playground.slack.simulation import SimulatedSlack
from tests.bot.office import Neighbours, neighbours_of
from tests.crashes.child import Job
from tests.crashes.clock import SharedClock
from tests.crashes.day import Chapter
from tests.crashes.keeping import Keeping
from tests.crashes.outcome import Listening, Outcome
from tests.crashes.people import Office
from tests.crashes.steps import Victim
from tests.crashes.supervisor import Lives, living
from tests.queue_store.servers import free_port

# In an office it is a minute and five; whoever dies is back much sooner.
RETRY_DELAYS = (0.0, 4.0, 20.0)
DEADLINE_SECONDS = 20.0

# Over a socket nobody sees that the other side is gone before it has not answered for so long.
SOCKETS_DEADLINE_SECONDS = 5.0


class Told(Struct, frozen=True, kw_only=True):
    """What came of a telling: the steps that the first life took, and how many lives ended."""

    outcome: Outcome
    steps: tuple[str, ...]
    deaths: int


class Setting(Struct, frozen=True, kw_only=True):
    """Where a telling takes place; `scopes` are what the workspace has granted."""

    keeping: Keeping
    scopes: frozenset[str] = SCOPES
    socket_mode: bool = False


async def tell(chapter: Chapter, setting: Setting, folder: Path, *victims: Victim) -> Told:
    """Tell the chapter, in a folder of its own; each life has its victim, and the last has none."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else goes on yet
    clock = SharedClock.wound_up(folder / "clock")
    await setting.keeping.begin(folder, chapter.site)
    async with neighbours_of(folder / "queue.db", _slack(clock, setting), clock) as neighbours:
        listening = Listening(neighbours.slack.workspace)
        clock.turn(minutes=chapter.minutes)
        async with living(_job(neighbours, chapter, setting, folder, victims)) as lives:
            await _happens(chapter, neighbours, lives)
    site = await setting.keeping.end(folder)
    steps = (folder / "trail").read_text().splitlines()
    return Told(outcome=listening.outcome(site), steps=tuple(steps), deaths=lives.deaths)


async def _happens(chapter: Chapter, neighbours: Neighbours, lives: Lives) -> None:
    office = Office(neighbours, lives)
    await office.settles()
    await lives.ask("arm")
    await chapter.happens(office)


def _slack(clock: SharedClock, setting: Setting) -> SimulatedSlack:
    options = Options(
        scopes=setting.scopes,
        socket_mode=setting.socket_mode,
        retry_delays=RETRY_DELAYS,
        deadline=SOCKETS_DEADLINE_SECONDS if setting.socket_mode else DEADLINE_SECONDS,
    )
    return SimulatedSlack(
        clock=clock.now, options=options, signs_at=lambda: clock.now().timestamp()
    )


def _job(
    neighbours: Neighbours,
    chapter: Chapter,
    setting: Setting,
    folder: Path,
    victims: tuple[Victim, ...],
) -> Job:
    port = free_port()
    neighbours.slack.bot_url = f"http://127.0.0.1:{port}/slack/events"
    kept = setting.keeping.environment(folder)
    return Job(
        environment=neighbours.environment(PORT=f"{port}", **kept),
        clock=folder / "clock",
        trail=folder / "trail",
        log=folder / "log",
        victims=victims,
        watched_from_birth=chapter.watched_from_birth,
    )
