"""Two XMPP networks that the same promises are tested against, and a driver of our side."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal, Protocol

from msgspec.structs import replace

from chargepoint.events import StationEvent
from chargepoint.listener import Listener, XmppSettings
from chargepoint.session import Session
from playground.xmpp import XmppServer
from tests.chargepoint.account import KEY, PASSWORD
from tests.chargepoint.fixtures import FIXTURES
from tests.chargepoint.link import LOOPBACK, Link
from tests.chargepoint.prosody import Ports

DOMAIN = "localhost"
BOT = f"{KEY}@{DOMAIN}"
FEED = f"feed@{DOMAIN}"
STRANGER = f"mallory@{DOMAIN}"
ACCOUNTS = {KEY: PASSWORD, "feed": PASSWORD, "mallory": PASSWORD}
PATIENCE_SECONDS = 15
CERTIFICATE = FIXTURES / "localhost.pem"

Tls = Literal["starttls", "direct", "none"]


def tls_context(certificate: Path = CERTIFICATE) -> ssl.SSLContext:
    """Answer a server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def settings(port: int, tls: Tls = "none", trusted: Path = CERTIFICATE) -> XmppSettings:
    """Answer how the bot logs in, with the patience of a test."""
    return XmppSettings(
        jid=BOT,
        password=PASSWORD,
        host=LOOPBACK,
        port=port,
        tls=tls,
        ca_certs=str(trusted),
        senders=frozenset({FEED}),
        ping_seconds=5,
        negotiation_seconds=5,
    )


class Stream(Protocol):
    """A network with the bot's account, reached over a link that can fail."""

    link: Link
    tls: Tls

    async def say(self, body: str, *, sender: str = FEED, kind: str = "chat") -> None:
        """Send the bot a message."""
        ...


class SmallStream:
    """The playground's server."""

    def __init__(self, server: XmppServer, link: Link, tls: Tls) -> None:
        self.server = server
        self.link = link
        self.tls: Tls = tls

    async def say(self, body: str, *, sender: str = FEED, kind: str = "chat") -> None:
        assert self.server.message(sender=sender, to=BOT, body=body, kind=kind) == 1


class ProsodyStream:
    """Prosody, where each sender is a client of its own."""

    def __init__(self, link: Link, tls: Tls, senders: dict[str, Session]) -> None:
        self.link = link
        self.tls: Tls = tls
        self._senders = senders

    async def say(self, body: str, *, sender: str = FEED, kind: str = "chat") -> None:
        client = self._senders[sender]._client
        client.make_message(mto=BOT, mbody=body, mtype=kind).send()  # type: ignore[arg-type] # slixmpp's list of kinds is a Literal


@asynccontextmanager
async def small_stream(
    tls: Tls = "none", certificate: Path = CERTIFICATE
) -> AsyncIterator[SmallStream]:
    """Run the playground's server."""
    context = None if tls == "none" else tls_context(certificate)
    server = XmppServer(domain=DOMAIN, accounts=ACCOUNTS, tls=context, direct=tls == "direct")
    await server.start()
    try:
        async with Link(server.port) as link:
            yield SmallStream(server, link, tls)
    finally:
        await server.stop()


@asynccontextmanager
async def prosody_stream(ports: Ports, tls: Tls = "none") -> AsyncIterator[ProsodyStream]:
    """Use the Prosody on these ports, with everybody but the bot logged in."""
    async with AsyncExitStack() as stack:
        senders = {}
        for jid in (FEED, STRANGER):
            senders[jid] = Session(replace(settings(ports.plain), jid=jid), lambda _: None)
            stack.push_async_callback(senders[jid].close)
            assert await senders[jid].open()
        port = ports.direct if tls == "direct" else ports.plain
        yield ProsodyStream(await stack.enter_async_context(Link(port)), tls, senders)


class Office:
    """What the listener told, and the reading of SOAP that can be held up."""

    def __init__(self) -> None:
        self.told: list[StationEvent | str] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.breaks_on: StationEvent | None = None

    async def on_session(self) -> None:
        self.told.append("reading")
        await self.may_read.wait()
        self.told.append("read")

    async def on_event(self, event: StationEvent) -> None:
        self.told.append(event)
        if event == self.breaks_on:
            raise ValueError("a bug of the bot's")

    @property
    def readings(self) -> int:
        return self.told.count("read")


@asynccontextmanager
async def listening(
    settings: XmppSettings, office: Office, *, retry: Callable[[int], float] = lambda _: 0.01
) -> AsyncIterator[Listener]:
    """Run a listener until the block ends; it has to stop promptly."""
    listener = Listener(
        settings, on_session=office.on_session, on_event=office.on_event, retry=retry
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(listener.run())
        try:
            yield listener
        finally:
            listener.stop()
            async with asyncio.timeout(3):
                await running


async def until(happened: Callable[[], bool]) -> None:
    """Wait until it has happened."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not happened():  # noqa: ASYNC110 - what is waited for happens in other tasks' values
            await asyncio.sleep(0.002)
