"""The playground's XMPP server, where its behaviour matters beyond what the listener uses."""

import asyncio
import base64
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from playground.xmpp import LARGEST_STANZA, LOOPBACK, XmppServer
from tests.chargepoint.account import PASSWORD

HEADER = (
    "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client'"
    " xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)


class Client:
    """A client that says exactly what it is told to."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, xml: str, *, until: str) -> str:
        """Send it, and answer what comes back up to these words."""
        self._writer.write(xml.encode())
        async with asyncio.timeout(5):
            return (await self._reader.readuntil(until.encode())).decode()

    async def log_in(self) -> None:
        """Log in in plain text and become available."""
        await self.say(HEADER, until="</stream:features>")
        secret = base64.b64encode(f"\0ada\0{PASSWORD}".encode()).decode()
        await self.say(auth("PLAIN", secret), until="<success")
        await self.say(HEADER, until="</stream:features>")
        await self.ask("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", kind="set")
        self._writer.write(b"<presence/>")
        await self.ask("<ping xmlns='urn:xmpp:ping'/>")

    async def ask(self, content: str, *, kind: str = "get") -> str:
        return await self.say(f"<iq type='{kind}' id='1'>{content}</iq>", until="</iq>")

    async def is_closed(self) -> bool:
        async with asyncio.timeout(5):
            return b"</stream:stream>" in await self._reader.read(-1)

    def leave(self) -> None:
        self._writer.close()


def auth(mechanism: str, said: str) -> str:
    """Begin a login."""
    return f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{said}</auth>"


@pytest.fixture
async def server() -> AsyncIterator[XmppServer]:
    server = XmppServer(domain="localhost", accounts={"ada": PASSWORD})
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: XmppServer) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection(LOOPBACK, server.port))
    yield client
    client.leave()


@pytest.mark.parametrize(
    "said",
    ["", "=", "%%%", "AAAA", base64.b64encode(b"\0ada\0wrong").decode(), "gICA"],
)
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM", ""])
async def test_a_login_that_is_none_is_refused(client: Client, mechanism: str, said: str) -> None:
    """A password that is wrong must be refused here as it would be there."""
    await client.say(HEADER, until="</stream:features>")

    assert "not-authorized" in await client.say(auth(mechanism, said), until="</failure>")


async def test_a_message_reaches_whoever_is_available(server: XmppServer, client: Client) -> None:
    """Under a bare name every login, under a full one that one only."""
    assert server.message(sender="x@localhost", to="ada@localhost", body="too soon") == 0
    await client.log_in()
    (jid,) = server.available

    for to, reached in (
        ("ada@localhost", 1),
        (jid, 1),
        ("ada@localhost/no", 0),
        ("bo@localhost", 0),
    ):
        assert server.message(sender="x@localhost", to=to, body="<&> hi") == reached
    assert "&lt;&amp;&gt; hi" in await client.say("", until="</message>")


async def test_questions_that_clients_ask_are_answered(client: Client) -> None:
    """What it does not know it says so: a client that waits for ever proves nothing."""
    await client.log_in()

    for namespace in ("jabber:iq:roster", "http://jabber.org/protocol/disco#items"):
        assert 'type="result"' in await client.ask(f"<query xmlns='{namespace}'/>")
    info = await client.ask("<query xmlns='http://jabber.org/protocol/disco#info'/>")
    assert "urn:xmpp:ping" in info
    assert "service-unavailable" in await client.ask("<query xmlns='jabber:iq:last'/>")


async def test_a_frozen_server_keeps_what_it_would_have_said(
    server: XmppServer, client: Client
) -> None:
    """A thawed link delivers late; the bot must cope with that as well."""
    await client.log_in()
    server.freeze()
    assert server.message(sender="x@localhost", to="ada@localhost", body="late") == 1
    server.thaw()

    assert "late" in await client.say("", until="</message>")


@pytest.mark.parametrize(
    ("hostile", "condition"),
    [
        ("<a></b>", "not-well-formed"),
        ("<iq type='get'><query/></iq>", "not-authorized"),
        (f"<message>{'x' * (LARGEST_STANZA + 1)}", "policy-violation"),
    ],
)
async def test_hostile_streams_are_ended_with_the_reason(
    client: Client, hostile: str, condition: str
) -> None:
    """The playground is on loopback, and still no reason to fall over."""
    await client.say(HEADER, until="</stream:features>")

    assert condition in await client.say(hostile, until="</stream:error>")
    assert await client.is_closed()
