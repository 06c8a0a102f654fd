"""What becomes of the event stream when the way to it, or the server, fails.

`make faults-network` prints what happened with each fault on each server.
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec import Struct
from msgspec.structs import replace

from chargepoint import session
from chargepoint.listener import XmppSettings, log_in_once
from chargepoint.session import Session
from chargepoint.stanzas import LARGEST_BODY, parse_event
from tests.chargepoint.conftest import SERVERS, Note
from tests.chargepoint.fixtures import FIXTURES, recorded
from tests.chargepoint.link import LOOPBACK
from tests.chargepoint.prosody import prosody
from tests.chargepoint.streams import (
    ACCOUNTS,
    BOT,
    CERTIFICATE,
    Office,
    Stream,
    Tls,
    listening,
    prosody_stream,
    settings,
    small_stream,
    until,
)

BODIES = [recorded(f"{name}.xml") for name in ("start", "stop", "update", "status")]
STATUS = BODIES[-1]
MENDED = "a fresh session with a fresh reading"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def stream(server: str, request: pytest.FixtureRequest) -> AsyncIterator[Stream]:
    if server == "small":
        async with small_stream() as small:
            yield small
    else:
        async with prosody_stream(request.getfixturevalue("prosody_ports")) as real:
            yield real


class Loss(Struct, frozen=True):
    """A way to lose a session: what happens to the link, what the bot says of it."""

    name: str
    problem: str
    strike: Callable[[Stream], None]
    mend: Callable[[Stream], None] = lambda _: None


def quick(port: int) -> XmppSettings:
    """Answer how the bot logs in, with even less patience."""
    return replace(settings(port), ping_seconds=0.3, negotiation_seconds=1.0)


def drip(stream: Stream) -> None:
    """Let a blank through now and then, and nothing else."""
    stream.link.freeze()
    stream.link.drips = True


def flow(stream: Stream) -> None:
    """Let everything through again."""
    stream.link.drips = False
    stream.link.cut()
    stream.link.thaw()


LOSSES = [
    Loss("connection reset", session.CLOSED, lambda stream: stream.link.cut()),
    Loss("black hole", session.MUTE, lambda stream: stream.link.freeze(), flow),
    Loss("slow drip", session.MUTE, drip, flow),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
async def test_a_session_that_is_lost_is_noticed_and_followed_by_another(
    stream: Stream, server: str, office: Office, loss: Loss, note: Note
) -> None:
    """No way to lose the stream may look like a quiet garage."""
    problems: list[str | None] = []

    def retry(_: int) -> float:
        problems.append(listener.problem)
        return 0.01

    bot = quick(stream.link.port)
    async with listening(bot, office, retry=retry) as listener:
        await until(lambda: office.readings == 1)
        loss.strike(stream)
        await until(lambda: bool(problems))
        loss.mend(stream)
        await until(lambda: listener.connected and office.readings >= 2)
        await stream.say(STATUS)
        await until(lambda: office.told[-1] == parse_event(STATUS))

    assert problems[0] == loss.problem
    note(loss.name, server, f"{loss.problem}; {MENDED}")


@pytest.mark.parametrize(
    ("name", "strike"), [("mute from the start", lambda s: s.link.freeze()), ("drips", drip)]
)
async def test_a_login_that_never_ends_is_given_up(
    stream: Stream, server: str, name: str, strike: Callable[[Stream], None], note: Note
) -> None:
    """The deadline is for the login as a whole: a byte now and then doesn't extend it."""
    strike(stream)

    problem = await log_in_once(quick(stream.link.port))

    assert problem == session.MUTE
    note(f"login: {name}", server, problem)


async def test_a_host_that_swallows_connections_is_given_up(note: Note) -> None:
    """A firewall that drops packets answers nothing at all, not even no."""
    with socket.create_server((LOOPBACK, 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            problem = await log_in_once(quick(port))

    assert problem in {session.MUTE, session.UNREACHABLE}
    note("login: packets dropped", "none", problem)


class Login(Struct, frozen=True):
    """A login that must fail: what is wrong with the certificate, and how that is put."""

    name: str
    why: str
    certificate: str = "localhost.pem"
    trusted: str | None = None


UNTRUSTED = [
    Login("certificate of another domain", "mismatch", "other-domain.pem"),
    Login("certificate expired", "expired", "expired.pem"),
    Login("certificate by nobody we trust", "signed certificate", trusted="other-domain.pem"),
]


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize("login", UNTRUSTED, ids=lambda login: login.name)
async def test_a_server_that_cannot_prove_who_it_is_gets_no_password(
    server: str, tls: Tls, login: Login, note: Note
) -> None:
    """Each of these certificates is what somebody in between can show."""
    certificate = FIXTURES / login.certificate
    trusted = FIXTURES / (login.trusted or login.certificate)

    async with serving(server, tls, certificate) as port:
        problem = await log_in_once(settings(port, tls, trusted))

    assert problem is not None
    assert problem.startswith(session.UNTRUSTED)
    assert login.why in problem
    note(f"{login.name}, {tls}", server, problem)


@pytest.mark.parametrize("tls", ["starttls", "direct"])
async def test_a_server_that_can_is_logged_in_to(server: str, tls: Tls, note: Note) -> None:
    """Else the refusals above would prove nothing."""
    async with serving(server, tls, CERTIFICATE) as port:
        assert await log_in_once(settings(port, tls)) is None

    note(f"certificate of the JID's domain, {tls}", server, "logged in")


async def test_a_password_that_is_wrong_is_named(stream: Stream, server: str, note: Note) -> None:
    """Who reads /readyz knows what to mend."""
    problem = await log_in_once(replace(settings(stream.link.port), password="wrong"))

    assert problem == session.REFUSED
    note("wrong password", server, problem)


async def test_a_second_login_with_our_resource_is_named(
    stream: Stream, server: str, office: Office, note: Note
) -> None:
    """Two bots on one account show up as such, on either server."""
    bot = replace(settings(stream.link.port), jid=f"{BOT}/bot")

    async with listening(bot, office, retry=lambda _: 3600) as listener:
        await until(lambda: listener.connected)
        rival = Session(bot, lambda _: None)
        assert await rival.open()
        await until(lambda: listener.problem == session.REPLACED)
        await rival.close()

    note("conflict of resources", server, session.REPLACED)


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 200_000])
async def test_a_huge_stanza_costs_neither_the_session_nor_the_next_event(
    stream: Stream, server: str, office: Office, size: int, note: Note
) -> None:
    """A server's limit is 256 kB; what is larger than any event is none."""
    async with listening(settings(stream.link.port), office):
        await until(lambda: office.readings == 1)
        await stream.say(BODIES[0] + " " * size)
        await stream.say(STATUS)
        await until(lambda: len(office.told) == 3)

    assert office.told[2:] == [parse_event(STATUS)]
    assert stream.link.accepted == 1
    note(f"stanza of {size // 1000} kB", server, "ignored; the session goes on")


async def test_events_come_in_any_order_and_as_often_as_they_like(
    stream: Stream, server: str, office: Office, note: Note
) -> None:
    """What they amount to is decided elsewhere; here none is lost, doubled or overtaken."""
    said = [*BODIES, *reversed(BODIES), BODIES[1], *BODIES[1:], STATUS, STATUS]

    async with listening(settings(stream.link.port), office):
        await until(lambda: office.readings == 1)
        for body in said:
            await stream.say(body)
        await until(lambda: len(office.told) == 2 + len(said))

    assert office.told[2:] == list(map(parse_event, said))
    note("events repeated and out of order", server, "each heard once, in its order")


@asynccontextmanager
async def serving(server: str, tls: Tls, certificate: Path) -> AsyncIterator[int]:
    """Run a server with this certificate, and answer its port."""
    if server == "small":
        async with small_stream(tls, certificate) as stream:
            yield stream.link.port
        return
    with (
        TemporaryDirectory() as folder,
        prosody(Path(folder), ACCOUNTS, certificate=certificate) as ports,
    ):
        yield ports.direct if tls == "direct" else ports.plain
