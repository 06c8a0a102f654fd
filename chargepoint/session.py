"""One XMPP session: a slixmpp client from its connecting to its end.

No client is used twice: slixmpp itself neither reconnects a session that died nor notices a peer
that fell silent, and leaves tasks behind. A session has a deadline to be negotiated, is pinged
with a deadline, says in plain words why it ended, and leaves nothing behind.
"""

import asyncio
import logging
import ssl
from asyncio import FIRST_COMPLETED, Future
from collections.abc import Callable
from typing import Any, Literal
from xml.etree.ElementTree import Element

from msgspec import Struct
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from slixmpp import JID, ClientXMPP, InvalidJID
from slixmpp.stanza import Presence, StreamError, StreamFeatures
from slixmpp.xmlstream import StanzaBase
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from chargepoint.errors import Malformed
from chargepoint.events import StationEvent
from chargepoint.stanzas import parse_event

REFUSED = "the XMPP server refuses our credentials"
NO_LOGIN = "the XMPP server offers no login that is allowed with this TLS setting"
UNTRUSTED = "the XMPP server's certificate is not trusted"
NO_TLS = "the XMPP server does not speak TLS on this port"
UNREACHABLE = "the XMPP server can't be reached"
NO_SUCH_HOST = "the name of the XMPP server can't be resolved"
MUTE = "the XMPP server does not answer"
CLOSED = "the XMPP server closed the connection"
HOSTILE = "the XMPP server sends what is no XMPP, or sends it without end"
REPLACED = "another login with the same name took our place"
ASKED = "as planned"

GOODBYE_SECONDS = 1
OUR_DEADLINES_DECIDE = 24 * 3600
STREAM = b"<stream:stream"
LARGEST_STANZA = 1024 * 1024
UNPARSED = "Parse error: %r"
SPOKEN = frozenset({"chat", "normal", "headline"})
DELAYED = "{urn:xmpp:delay}delay"
ROSTER = "{jabber:iq:roster}query"

log = logging.getLogger(__name__)
tracer = trace.get_tracer("chargepoint")

# Below, slixmpp writes down logins and, at DEBUG, whole stanzas; `reason` says what matters.
logging.getLogger("slixmpp").setLevel(logging.WARNING)
# Above, what it can't parse.
logging.getLogger("slixmpp.xmlstream.xmlstream").addFilter(lambda said: said.msg != UNPARSED)


class XmppSettings(Struct, frozen=True, kw_only=True):
    """How to log in, and whose messages count.

    `senders` are domains or bare JIDs. `tls` may be "none" on loopback only, which is for
    whoever reads the environment to enforce. `ca_certs` is a file of certificates to trust
    instead of the system's.
    """

    jid: str
    password: str
    host: str
    port: int = 5222
    tls: Literal["starttls", "direct", "none"] = "starttls"
    senders: frozenset[str]
    ping_seconds: float = 30
    negotiation_seconds: float = 10
    ca_certs: str | None = None

    def __post_init__(self) -> None:
        try:
            JID(self.jid)
        except InvalidJID as error:
            raise ValueError("the JID is not one") from error

    def __repr__(self) -> str:
        return f"XmppSettings(host={self.host!r}, port={self.port}, tls={self.tls!r})"


class Session:
    """One client from its connecting to its end; `reason` says in plain words why it ended.

    An `unseen` one logs in and does not become available, so that nothing is sent to it.
    """

    def __init__(
        self,
        settings: XmppSettings,
        hear: Callable[[StationEvent], None],
        *,
        unseen: bool = False,
    ) -> None:
        self._settings = settings
        self._unseen = unseen
        self._bound: Future[None] = Future()
        self._ended: Future[str] = Future()
        self._refused = False
        self._client = _client(settings)
        self.proven = False
        self._hear = hear
        self._client.register_handler(
            Callback("Station events", MatchXPath("{jabber:client}message"), self._on_message)
        )
        for name, handler in self._handlers().items():
            self._client.add_event_handler(name, handler)

    @property
    def reason(self) -> str:
        """Why it ended; as planned where nothing else was said."""
        return self._ended.result() if self._ended.done() else ASKED

    def end(self, reason: str) -> None:
        """Make it end for this reason; only the first counts."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def open(self) -> bool:
        """Log in and, unless unseen, become available; False when it ended before."""
        told = {"peer.service": "ChargePoint XMPP", "server.address": self._settings.host}
        with tracer.start_as_current_span(
            "XMPP login", kind=SpanKind.CLIENT, attributes=told
        ) as span:
            opened = await self._opened()
            if not opened:
                span.set_status(StatusCode.ERROR, self.reason)
            return opened

    async def _opened(self) -> bool:
        try:
            async with asyncio.timeout(self._settings.negotiation_seconds):
                self._client.connect(self._settings.host, self._settings.port)
                await self._unless_ended(self._bound)
                # Stanzas are handled in order: with the answer, our presence is known.
                return await self._answers()
        except TimeoutError:
            self.end(MUTE)
            return False

    async def watch(self) -> None:
        """Ping until it ends."""
        while not self._ended.done():
            await asyncio.wait({self._ended}, timeout=self._settings.ping_seconds)
            try:
                async with asyncio.timeout(self._settings.ping_seconds / 2):
                    self.proven = await self._answers() or self.proven
            except TimeoutError:
                self.end(MUTE)

    async def close(self) -> None:
        """Say goodbye where somebody listens, and leave nothing behind."""
        client = self._client
        client.cancel_connection_attempt()
        try:
            if self._bound.done() and self.reason != MUTE:
                await client.disconnect(wait=GOODBYE_SECONDS, ignore_send_queue=True)
        finally:
            gone = {client.disconnected} if client.is_connected() else set()
            client.abort()
            for name in tuple(client.scheduled_events):
                client.cancel_schedule(name)
            sender = client._run_out_filters  # noqa: SLF001 - slixmpp never ends this task itself
            leftovers = client.negotiations | ({sender} if sender else set())
            for task in leftovers:
                task.cancel()
            if leftovers | gone:
                await asyncio.wait(leftovers | gone, timeout=GOODBYE_SECONDS)

    async def _answers(self) -> bool:
        if self._ended.done():
            return False
        server = JID(self._client.boundjid.domain)
        pong = self._client.plugin["xep_0199"].send_ping(server, timeout=OUR_DEADLINES_DECIDE)
        try:
            return await self._unless_ended(pong)
        finally:
            pong.cancel()

    async def _unless_ended(self, future: Future[Any]) -> bool:
        await asyncio.wait({future, self._ended}, return_when=FIRST_COMPLETED)
        if future.done():
            # An error is an answer too: somebody is there.
            future.exception()
        return not self._ended.done()

    def _handlers(self) -> dict[str, Callable[[Any], None]]:
        return {
            "session_start": self._on_bound,
            "connection_failed": self._on_connecting_failed,
            "ssl_invalid_chain": self._on_connecting_failed,
            "failed_auth": self._on_refused,
            "failed_all_auth": lambda _: self.end(REFUSED if self._refused else NO_LOGIN),
            "stream_error": self._on_stream_error,
            "disconnected": self._on_disconnected,
            "hostile": lambda _: self.end(HOSTILE),
        }

    def _on_message(self, message: StanzaBase) -> None:
        try:
            event = _event(message, self._settings)
        except (_Ignored, Malformed) as why:
            log.warning("stanza.ignored reason=%r", str(why))
            return
        if event is not None:
            self._hear(event)

    def _on_bound(self, _: object) -> None:
        self._refused = False
        if not self._unseen:
            self._client.send_presence()
        if not self._bound.done():
            self._bound.set_result(None)

    def _on_connecting_failed(self, error: object) -> None:
        self.end(_connecting_failed(error))

    def _on_refused(self, _: object) -> None:
        self._refused = True

    def _on_disconnected(self, _: object) -> None:
        if not self._client.securing:
            self.end(REFUSED if self._refused else CLOSED)

    def _on_stream_error(self, error: StreamError) -> None:
        self.end(REPLACED if error["condition"] == "conflict" else CLOSED)


class _Ignored(Exception):
    """A message that is no station event for us; says why."""


def _event(message: StanzaBase, settings: XmppSettings) -> StationEvent | None:
    kind = message.xml.get("type", "normal")
    if kind not in SPOKEN:
        raise _Ignored(f"a message of type {kind[:20]}")
    _check_sender(message.xml.get("from", settings.jid), settings.senders)
    # What the server kept for us is older than the reading that begins the session.
    if message.xml.find(DELAYED) is not None:
        raise _Ignored("delayed")
    return parse_event(message["body"])


def _check_sender(sender: str, senders: frozenset[str]) -> None:
    try:
        jid = JID(sender)
    except InvalidJID as error:
        raise _Ignored("a sender whose name is no JID") from error
    if senders.isdisjoint({jid.bare, jid.domain}):
        raise _Ignored(f"a stranger, {jid.bare}")


class _Client(ClientXMPP):
    """A client that can be called off and cleared away at any moment of its negotiation.

    It has no contacts: every stranger who says to be one would be remembered for ever.
    """

    def __init__(self, jid: str, password: str, context: ssl.SSLContext) -> None:
        super().__init__(jid, password, ssl_context=context)
        self.negotiations: set[asyncio.Task[None]] = set()
        self.securing = False
        self._begun = b""
        self._unparsed = 0
        self.add_filter("in", _but_contacts)
        # Nobody but our settings says which server gets our password.
        self.max_redirects = -1

    def init_parser(self) -> None:
        """Begin a stream."""
        self._begun, self._unparsed = b"", 0
        super().init_parser()

    def data_received(self, data: bytes | str) -> None:
        """Read on, unless a stanza doesn't end or a document type stands before the stream."""
        received = data.encode() if isinstance(data, str) else data
        self._unparsed += len(received)
        if self.xml_root is None:
            self._begun += received
        if self._unparsed > LARGEST_STANZA or b"<!" in self._begun.partition(STREAM)[0]:
            self.event("hostile")
            self.abort()
            return
        super().data_received(data)

    def _spawn_event(self, xml: Element) -> None:
        self._unparsed = 0
        super()._spawn_event(xml)

    async def start_tls(self) -> bool:
        """Encrypt the stream; why that failed is told after the connection is lost by it."""
        self.securing = True
        try:
            secured = await super().start_tls()
        finally:
            self.securing = False
        if not secured:
            self.event("disconnected")
        return secured

    async def _handle_stream_features(self, features: StreamFeatures) -> bool | None:
        if task := asyncio.current_task():
            self.negotiations.add(task)
        return await super()._handle_stream_features(features)


def _but_contacts(stanza: StanzaBase) -> StanzaBase | None:
    is_about_contacts = isinstance(stanza, Presence) or stanza.xml.find(ROSTER) is not None
    return None if is_about_contacts else stanza


def _client(settings: XmppSettings) -> _Client:
    client = _Client(settings.jid, settings.password, _tls_context(settings))
    client.register_plugin("xep_0199")
    client.enable_direct_tls = settings.tls == "direct"
    client.enable_starttls = settings.tls == "starttls"
    client.enable_plaintext = settings.tls == "none"
    if settings.tls == "none":
        client.plugin["feature_mechanisms"].unencrypted_scram = True
        client.plugin["feature_mechanisms"].unencrypted_plain = True
    return client


def _tls_context(settings: XmppSettings) -> ssl.SSLContext:
    if settings.tls == "none":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=settings.ca_certs)


def _connecting_failed(error: object) -> str:
    match error:
        case ssl.SSLCertVerificationError(verify_message=why):
            return f"{UNTRUSTED} ({why})"
        case ssl.SSLError():
            return NO_TLS
        # That there is no such host, slixmpp says in its own words.
        case str():
            return NO_SUCH_HOST
    return UNREACHABLE
