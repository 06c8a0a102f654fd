"""The settings under which the playground runs the bot: its public ones only, with short times."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple
from tzlocal import get_localzone_name

from playground.network import SimulatedChargePoint
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM

API_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aab"
API_PASSWORD = "5f2e8d1c0b3a49786756453423120100"  # noqa: S105 - of a simulated network
STATION_GROUP = "4711"


class Times(Struct, frozen=True, kw_only=True):
    """How long things take in the playground, in minutes.

    Whoever goes through the steps without haste can read every message before the next comes, and
    has seen each kind within three minutes. A suspension outlasts the other calls, so that two
    drivers who both stay silent are not called in turns for ever.
    """

    offer: float = 0.75
    accepted_offer: float = 1.5
    suspension: float = 5.0
    idle_reminder: float = 0.5
    charging_limit: float = 2.5
    nag_repeat: float = 2.0

    def at(self, speed: float) -> "Times":
        """Answer these times, so many times shorter."""
        shorter = (minutes / speed for minutes in astuple(self))
        return Times(**dict(zip(self.__struct_fields__, shorter, strict=True)))


def notes(times: Times) -> tuple[str, ...]:
    """Say what runs faster here than in a real office."""
    return (
        f"A call is held for {_span(times.offer)} (in an office: 10 minutes).",
        f"“On my way” makes that {_span(times.accepted_offer)} (15 minutes).",
        f"Who misses a call is passed over for {_span(times.suspension)} (30 minutes).",
        f"An idle charger is mentioned after {_span(times.idle_reminder)} (10 minutes).",
        f"A car is asked to move after {_span(times.charging_limit)} (2.5 hours).",
        "There are no quiet hours.",
    )


def environment(
    slack: SimulatedSlack,
    chargepoint: SimulatedChargePoint,
    *,
    port: int,
    store: Path,
    times: Times,
) -> Mapping[str, str]:
    """Answer the bot's environment; how much it says is left to its own defaults."""
    by_socket = {"SLACK_APP_TOKEN": slack.options.app_token}
    by_http = {"SLACK_SIGNING_SECRET": slack.options.signing_secret}
    return {
        "SLACK_BOT_TOKEN": slack.options.bot_token,
        **(by_socket if slack.options.socket_mode else by_http),
        "SLACK_CHANNEL": ROOM,
        "SLACK_API_URL": slack.api_url,
        "CHARGEPOINT_API_KEY": API_KEY,
        "CHARGEPOINT_API_PASSWORD": API_PASSWORD,
        "CHARGEPOINT_API_URL": chargepoint.soap_url,
        "CHARGEPOINT_STATION_GROUP": STATION_GROUP,
        "CHARGEPOINT_XMPP_HOST": chargepoint.xmpp_host,
        "CHARGEPOINT_XMPP_PORT": str(chargepoint.xmpp_port),
        "CHARGEPOINT_XMPP_TLS": "none",
        "QUEUE_STORE": f"sqlite:{store}",
        "SITE_NAME": "The playground",
        # Who types `/ev add until 16:00` means the clock on their own wall.
        "SITE_TIMEZONE": get_localzone_name() or "UTC",
        "OFFER_MINUTES": _number(times.offer),
        "ACCEPTED_OFFER_MINUTES": _number(times.accepted_offer),
        "SUSPEND_MINUTES": _number(times.suspension),
        "IDLE_REMINDER_MINUTES": _number(times.idle_reminder),
        "CHARGING_LIMIT_MINUTES": _number(times.charging_limit),
        "NAG_REPEAT_MINUTES": _number(times.nag_repeat),
        "NAG_LIMIT": "2",
        "QUIET_HOURS": "",
        "QUIET_DAYS": "",
        "RECONCILE_SECONDS": "60",
        "PORT": str(port),
    }


def _number(minutes: float) -> str:
    return f"{minutes:.6f}"


def _span(minutes: float) -> str:
    if minutes < 1:
        return f"{minutes * 60:g} seconds"
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"
