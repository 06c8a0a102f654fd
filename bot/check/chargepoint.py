"""ChargePoint: whether the account is let in, which stations the group has, and the event stream.

No feed is registered. The login to the stream is a session beside the bot's own: it hears nothing,
and takes neither its name nor its events.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from bot.accounts import stream_of
from bot.check.clocks import Clocks
from bot.check.finding import Check, Finding, fail, ok, warn
from bot.settings import ChargePointSettings
from chargepoint import session
from chargepoint.errors import (
    AccessDenied,
    BadAnswer,
    ChargePointError,
    CredentialsRefused,
    NoSuchHost,
    Refused,
    TimedOut,
    Untrusted,
)
from chargepoint.events import PortReading, PortStatus
from chargepoint.listener import log_in_once
from chargepoint.soap import ChargePointApi

LOGIN = "SOAP login"

HOST = "CHARGEPOINT_API_URL (accounts in Canada and Europe have their own hosts)"
CREDENTIALS = "CHARGEPOINT_API_KEY and CHARGEPOINT_API_PASSWORD (a new password voids the old one)"
REMEDIES: tuple[tuple[type[ChargePointError], str], ...] = (
    (CredentialsRefused, f"See to {CREDENTIALS}, and to {HOST}"),
    (NoSuchHost, f"See that this machine resolves names, and to {HOST}"),
    (Untrusted, "Ask who runs the network: a proxy may show a certificate of its own"),
    (TimedOut, "See that the firewall lets this machine out to ChargePoint by HTTPS"),
    (AccessDenied, "Ask ChargePoint for a plan that allows Web Services calls"),
    (BadAnswer, f"See to {HOST}, and what proxy is in use"),
    (ChargePointError, f"Try again later; if it stays so, see to {HOST}"),
)

STREAM = "CHARGEPOINT_XMPP_HOST and CHARGEPOINT_XMPP_PORT"
STREAM_REMEDIES = {
    session.REFUSED: "See to CHARGEPOINT_XMPP_JID and CHARGEPOINT_XMPP_PASSWORD, which by default"
    " follow from the API key and its password",
    session.NO_LOGIN: "See to CHARGEPOINT_XMPP_TLS; nothing secret is said without encryption",
    session.NO_TLS: "See to CHARGEPOINT_XMPP_TLS; on port 5222, starttls is usual",
    session.UNTRUSTED: "It must be for the domain of CHARGEPOINT_XMPP_JID; a proxy may show one of"
    " its own",
    session.NO_SUCH_HOST: "See that this machine resolves names, and to CHARGEPOINT_XMPP_HOST",
    session.UNREACHABLE: f"See that the firewall lets this machine out there, and to {STREAM}",
    session.MUTE: f"See that the firewall lets this machine out there, and to {STREAM}",
    session.CLOSED: f"See to {STREAM}, and to CHARGEPOINT_XMPP_TLS",
}

DENIALS = {
    "getLoad": "who is plugged in",
    "getChargingSessionData": "since when cars charge",
}
WORDS = {
    PortStatus.AVAILABLE: "free",
    PortStatus.INUSE: "in use",
    PortStatus.UNREACHABLE: "unreachable",
    PortStatus.UNKNOWN: "unknown",
}


class ChargePointChecks:
    """Looks at both ways to the network; an answer may take so many seconds."""

    def __init__(
        self, settings: ChargePointSettings, api: ChargePointApi, clocks: Clocks, *, seconds: float
    ) -> None:
        self._settings = settings
        self._api = api
        self._clocks = clocks
        self._seconds = seconds

    @property
    def checks(self) -> tuple[Check, ...]:
        """All of them, in the order of their lines."""
        return (
            Check(LOGIN, self._login),
            Check("stations", self._stations, needs=LOGIN),
            Check("XMPP login", self._stream),
        )

    async def _login(self) -> Finding:
        try:
            await self._api.knock()
        except ChargePointError as error:
            return _trouble(error)
        self._clocks.note("ChargePoint", self._api.told_at)
        return ok("the API key and its password are accepted")

    async def _stations(self) -> Finding:
        try:
            readings = await self._api.read_ports()
        except ChargePointError as error:
            return _trouble(error)
        if not readings:
            remedy = "Set CHARGEPOINT_STATION_GROUP to the number (sgID) of the group to watch"
            return fail(f"there are none in group {self._settings.station_group}", remedy)
        return _of_stations(readings, self._api.denied)

    async def _stream(self) -> Finding:
        settings = replace(stream_of(self._settings.xmpp), negotiation_seconds=self._seconds)
        reason = await log_in_once(settings)
        if reason is None:
            return ok("logged in and out, beside the session of a bot that runs")
        kind = session.UNTRUSTED if reason.startswith(session.UNTRUSTED) else reason
        return fail(reason, STREAM_REMEDIES.get(kind, f"See to {STREAM}"))


def _trouble(error: ChargePointError) -> Finding:
    remedy = next(remedy for kind, remedy in REMEDIES if isinstance(error, kind))
    refusal = "ChargePoint refuses: " if isinstance(error, Refused) else ""
    return fail(f"{refusal}{error}", remedy)


def _of_stations(readings: Sequence[PortReading], denied: frozenset[str]) -> Finding:
    stations = {reading.station for reading in readings}
    statuses = Counter(reading.status for reading in readings)
    counted = ", ".join(f"{statuses[each]} {WORDS[each]}" for each in WORDS if each in statuses)
    seen = f"{len(stations)} with {len(readings)} ports: {counted}"
    if not statuses.keys() & {PortStatus.AVAILABLE, PortStatus.INUSE}:
        return warn(seen, "Ask whoever looks after the stations why none of them answers")
    hidden = " and ".join(what for operation, what in DENIALS.items() if operation in denied)
    if hidden:
        remedy = f"Ask ChargePoint for the right to call {', '.join(sorted(denied))}"
        return warn(f"{seen}; {hidden} may not be read", remedy)
    return ok(seen)
