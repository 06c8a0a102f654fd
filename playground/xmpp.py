"""A small XMPP server for one network of invented accounts, on loopback only.

It is a subset: SASL, binding, presence, roster, ping, service discovery, and messages from the
network to whoever is available; no federation, nothing stored for who is offline. What real
clients of this project rely on is tested against a real server by the same suite.

Its troubles can be ordered: it can freeze as a mute peer behind a dead link does, drop every
connection, and fall silent in the middle of a login.
"""

import asyncio
import base64
import ssl
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import cast
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from playground import sasl

LOOPBACK = "127.0.0.1"
CHUNK = 16 * 1024
LARGEST_STANZA = 256 * 1024

CLIENT = "jabber:client"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ROSTER = "jabber:iq:roster"
PING = "urn:xmpp:ping"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"


class XmppServer:
    """One domain and its accounts; `accounts` leads from user names to passwords.

    With a TLS context the server offers STARTTLS and insists on it, or speaks TLS from the first
    byte where `direct` is set. `logins` counts the attempts.
    `on_available` is told the full JID of whoever becomes available.
    """

    def __init__(
        self,
        *,
        domain: str,
        accounts: Mapping[str, str],
        tls: ssl.SSLContext | None = None,
        direct: bool = False,
    ) -> None:
        self.domain = domain
        self.accounts = {user.lower(): password for user, password in accounts.items()}
        self.starttls = None if direct else tls
        self.port = 0
        self.logins = 0
        self.ignores_binding = False
        self.on_available: Callable[[str], None] = lambda _: None
        self.thawed = asyncio.Event()
        self.thawed.set()
        self._direct = tls if direct else None
        self._streams: set[_Stream] = set()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback, on any port unless one is given."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port, ssl=self._direct)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop everybody."""
        self._server.close()
        self.thaw()
        self.drop_all()
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many connections are open, logged in or not."""
        return len(self._streams)

    @property
    def available(self) -> tuple[str, ...]:
        """The full JIDs of who is logged in and has said to be available."""
        return tuple(stream.jid for stream in self._streams if stream.available)

    def message(self, *, sender: str, to: str, body: str, kind: str = "chat") -> int:
        """Send a message to a full JID, or to all that are available under a bare one.

        Answers how many got it; nothing is kept for later.
        """
        return self.stanza(
            f"<message from={quoteattr(sender)} to={quoteattr(to)} type={quoteattr(kind)}"
            f' id="{token_hex(6)}"><body>{escape(body)}</body></message>',
            to=to,
        )

    def stanza(self, xml: str, *, to: str) -> int:
        """Send a stanza as it is; answers how many got it."""
        reached = [each for each in self._streams if each.available and each.is_called(to)]
        for stream in reached:
            stream.write(xml)
        return len(reached)

    def freeze(self) -> None:
        """Fall silent as behind a dead link: connections are accepted and nothing is answered."""
        self.thawed.clear()

    def thaw(self) -> None:
        """Go on where it froze; what was held back is sent."""
        self.thawed.set()
        for stream in self._streams:
            stream.write("")

    def drop_all(self) -> None:
        """Cut every connection without a word."""
        for stream in tuple(self._streams):
            stream.drop()

    def disconnect_holder(self, jid: str) -> None:
        """End the stream that holds this full JID: the newer login wins."""
        for stream in self._streams:
            if stream.jid == jid:
                stream.fail("conflict")

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        stream = _Stream(self, reader, writer)
        self._streams.add(stream)
        try:
            with suppress(OSError, IncompleteReadError):
                await stream.run()
        finally:
            self._streams.discard(stream)
            writer.close()


class _Stream:
    """One client's connection."""

    def __init__(self, server: XmppServer, reader: StreamReader, writer: StreamWriter) -> None:
        self.jid = ""
        self.available = False
        self._server = server
        self._reader = reader
        self._writer = writer
        self._held: list[str] = []
        self._user = ""
        self._login: sasl.Login | None = None
        self._encrypted = writer.get_extra_info("ssl_object") is not None
        self._ended = False
        self._restart()

    async def run(self) -> None:
        """Serve until either side ends it."""
        while not self._ended and (chunk := await self._reader.read(CHUNK)):
            await self._server.thawed.wait()
            self._unfinished += len(chunk)
            if self._unfinished > LARGEST_STANZA:
                self.fail("policy-violation")
                return
            try:
                await self._feed(chunk)
            except ET.ParseError:
                self.fail("not-well-formed")
            await self._writer.drain()

    def is_called(self, jid: str) -> bool:
        return jid in {self.jid, self.jid.partition("/")[0]}

    def write(self, xml: str) -> None:
        """Send, or hold back while the server is frozen."""
        self._held.append(xml)
        if self._server.thawed.is_set():
            self._writer.write("".join(self._held).encode())
            self._held.clear()

    def drop(self) -> None:
        self._writer.transport.abort()

    def fail(self, condition: str) -> None:
        self.write(f'<stream:error><{condition} xmlns="{STREAMS}"/></stream:error>')
        self._end()

    def _end(self) -> None:
        self.available = False
        self._ended = True
        self.write("</stream:stream>")
        self._writer.close()

    def _restart(self) -> None:
        self._parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
        self._depth = 0
        self._unfinished = 0

    async def _feed(self, chunk: bytes) -> None:
        parser = self._parser
        parser.feed(chunk)
        for event, element in _events(parser):
            self._depth += 1 if event == "start" else -1
            if event == "start" and self._depth == 1:
                self._root = element
                self._open()
            elif event == "end" and self._depth == 1:
                self._unfinished = 0
                await self._take(element)
                self._root.clear()
            elif event == "end" and self._depth == 0:
                self._end()
            if parser is not self._parser or self._ended:
                return

    def _open(self) -> None:
        self.write(
            '<?xml version="1.0"?><stream:stream xmlns="jabber:client" version="1.0"'
            f' xmlns:stream="http://etherx.jabber.org/streams" id="{token_hex(8)}"'
            f" from={quoteattr(self._server.domain)}>"
            f"<stream:features>{self._features()}</stream:features>"
        )

    def _features(self) -> str:
        if self._server.starttls and not self._encrypted:
            return f'<starttls xmlns="{TLS}"><required/></starttls>'
        if self._user:
            return f'<bind xmlns="{BIND}"/><session xmlns="{SESSION}"><optional/></session>'
        offered = "".join(f"<mechanism>{each}</mechanism>" for each in sasl.MECHANISMS)
        return f'<mechanisms xmlns="{SASL}">{offered}</mechanisms>'

    async def _take(self, stanza: ET.Element) -> None:
        if stanza.tag == f"{{{TLS}}}starttls" and self._server.starttls:
            await self._encrypt(self._server.starttls)
        elif stanza.tag.startswith(f"{{{SASL}}}"):
            self._authenticate(stanza)
        elif not self._user:
            self.fail("not-authorized")
        elif stanza.tag == f"{{{CLIENT}}}iq":
            self._answer(stanza)
        elif stanza.tag == f"{{{CLIENT}}}presence":
            self.available = bool(self.jid) and stanza.get("type") is None
            if self.available:
                self._server.on_available(self.jid)

    async def _encrypt(self, context: ssl.SSLContext) -> None:
        self.write(f'<proceed xmlns="{TLS}"/>')
        await self._writer.start_tls(context)
        self._encrypted = True
        self._restart()

    def _authenticate(self, stanza: ET.Element) -> None:
        try:
            if stanza.tag == f"{{{SASL}}}auth":
                self._server.logins += 1
                self._login = sasl.login(stanza.get("mechanism", ""), self._server.accounts)
            answer = self._step(stanza.text or "")
        except sasl.Rejected:
            self._login = None
            self.write(f'<failure xmlns="{SASL}"><not-authorized/></failure>')
        else:
            self.write(answer)

    def _step(self, text: str) -> str:
        if self._login is None:
            raise sasl.Rejected
        said = self._login.step(sasl.decoded("" if text == "=" else text))
        encoded = base64.b64encode(said).decode()
        if not self._login.done:
            return f'<challenge xmlns="{SASL}">{encoded}</challenge>'
        self._user = self._login.user
        self._restart()
        return f'<success xmlns="{SASL}">{encoded}</success>'

    def _answer(self, iq: ET.Element) -> None:
        query = next(iter(iq), None)
        if iq.get("type") not in {"get", "set"} or query is None:
            return
        if query.tag == f"{{{BIND}}}bind" and self._server.ignores_binding:
            return
        answer = self._result(query)
        kind = "error" if answer is None else "result"
        content = f'<error type="cancel"><service-unavailable xmlns="{STANZAS}"/></error>'
        self.write(
            f"<iq type={quoteattr(kind)} id={quoteattr(iq.get('id', ''))}"
            f" from={quoteattr(iq.get('to', self._server.domain))} to={quoteattr(self.jid)}>"
            f"{content if answer is None else answer}</iq>"
        )

    def _result(self, query: ET.Element) -> str | None:
        match query.tag.removeprefix("{").split("}"):
            case [namespace, "bind"] if namespace == BIND:
                return self._bind(query.findtext(f"{{{BIND}}}resource") or token_hex(6))
            case [namespace, _] if namespace in {SESSION, PING}:
                return ""
            case [namespace, "query"] if namespace in {ROSTER, DISCO_ITEMS}:
                return f'<query xmlns="{namespace}"/>'
            case [namespace, "query"] if namespace == DISCO_INFO:
                features = "".join(f'<feature var="{each}"/>' for each in (DISCO_INFO, PING))
                identity = '<identity category="server" type="im"/>'
                return f'<query xmlns="{DISCO_INFO}">{identity}{features}</query>'
        return None

    def _bind(self, resource: str) -> str:
        jid = f"{self._user}@{self._server.domain}/{resource}"
        self._server.disconnect_holder(jid)
        self.jid = jid
        return f'<bind xmlns="{BIND}"><jid>{escape(jid)}</jid></bind>'


def _events(parser: "ET.XMLPullParser[ET.Element]") -> Iterator[tuple[str, ET.Element]]:
    # Only starts and ends are asked for: each is a pair.
    yield from cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
