"""The simulated network, and our side of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chargepoint.soap import ChargePointApi
from playground.garage import Garage
from playground.network import SimulatedChargePoint
from tests.chargepoint.account import GROUP, KEY, PASSWORD
from tests.chargepoint.golden import GoldenServer
from tests.chargepoint.prosody import Ports, is_installed, prosody
from tests.chargepoint.streams import ACCOUNTS, Office

needs_prosody = pytest.mark.skipif(not is_installed(), reason="Prosody is not installed")
Note = Callable[[str, str, str], None]
SERVERS = ("small", pytest.param("prosody", marks=needs_prosody))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    def move(self, *, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


def at_once(_: int) -> float:
    """Try again without a pause."""
    return 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def garage(clock: Clock) -> Garage:
    return Garage(clock=clock.now)


@pytest.fixture
async def network(garage: Garage) -> AsyncIterator[SimulatedChargePoint]:
    async with SimulatedChargePoint(garage, key=KEY, password=PASSWORD, group=GROUP) as simulated:
        yield simulated


@pytest.fixture
async def api(network: SimulatedChargePoint, clock: Clock) -> AsyncIterator[ChargePointApi]:
    api = ChargePointApi(
        url=network.soap_url,
        key=KEY,
        password=PASSWORD,
        group=GROUP,
        clock=clock.seconds,
        retry=at_once,
    )
    yield api
    await api.close()


@pytest.fixture
async def golden() -> AsyncIterator[GoldenServer]:
    async with GoldenServer() as server:
        yield server


@pytest.fixture
async def golden_api(golden: GoldenServer) -> AsyncIterator[ChargePointApi]:
    api = ChargePointApi(
        url=golden.url, key=KEY, password=PASSWORD, group=GROUP, seconds=0.5, retry=at_once
    )
    yield api
    await api.close()


@pytest.fixture(scope="session")
def prosody_ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with prosody(tmp_path_factory.mktemp("prosody"), ACCOUNTS) as ports:
        yield ports


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture(scope="module")
def note() -> Iterator[Note]:
    """Keep what became of each fault, and print it as a table in the end."""
    rows: list[tuple[str, str, str]] = [("fault", "server", "outcome")]
    yield lambda fault, server, outcome: rows.append((fault, server, outcome))
    for fault, server, outcome in rows if rows[1:] else ():
        print(f"{fault:44}{server:10}{outcome}")  # noqa: T201 # with -s only
