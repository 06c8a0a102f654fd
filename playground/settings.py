"""The settings under which the playground runs the bot: its public ones only, with short times."""

from collections.abc import Mapping
from pathlib import Path

from playground.network import SimulatedChargePoint
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM

API_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aab"
API_PASSWORD = "5f2e8d1c0b3a49786756453423120100"  # noqa: S105 - of a simulated network
STATION_GROUP = "4711"

OFFER, ACCEPTED, SUSPENSION = 1.0, 1.5, 1.0
IDLE, LIMIT, REPEAT = 1.0, 3.0, 1.0


def notes() -> tuple[str, ...]:
    """Say what runs faster here than in a real office."""
    return (
        f"A call is held for {_minutes(OFFER)} here; for 10 minutes in an office.",
        f"On my way gives {_minutes(ACCEPTED)} here; 15 minutes in an office.",
        f"A suspension by itself lasts {_minutes(SUSPENSION)} here; 30 minutes in an office.",
        f"An idle charger is mentioned after {_minutes(IDLE)} here; 10 minutes in an office.",
        f"A car is asked to move after {_minutes(LIMIT)} here; after 2.5 hours in an office.",
        "There are no quiet hours here.",
    )


def environment(
    slack: SimulatedSlack,
    chargepoint: SimulatedChargePoint,
    *,
    port: int,
    store: Path,
    trace: bool = False,
) -> Mapping[str, str]:
    """Answer the bot's whole environment."""
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
        "SITE_TIMEZONE": "America/Los_Angeles",
        "OFFER_MINUTES": str(OFFER),
        "ACCEPTED_OFFER_MINUTES": str(ACCEPTED),
        "SUSPEND_MINUTES": str(SUSPENSION),
        "IDLE_REMINDER_MINUTES": str(IDLE),
        "CHARGING_LIMIT_MINUTES": str(LIMIT),
        "NAG_REPEAT_MINUTES": str(REPEAT),
        "QUIET_HOURS": "",
        "QUIET_DAYS": "",
        "RECONCILE_SECONDS": "60",
        "TRACE_EXPORTER": "console" if trace else "none",
        "PORT": str(port),
    }


def _minutes(number: float) -> str:
    return "1 minute" if number == 1 else f"{number:g} minutes"
