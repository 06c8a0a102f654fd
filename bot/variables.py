"""Every environment variable that the bot reads, declared once.

The documentation is tested against these names, defaults and meanings.
"""

import logging
from typing import Any, Literal

from bot import parsers
from bot.setting import Setting, Unfit, defaulted, optional, required
from queue_store.opening import Place, located

_DAY_OF_MINUTES = 24 * 60
_HOUR_OF_SECONDS = 60 * 60

Tls = Literal["starttls", "direct", "none"]
TraceExporter = Literal["none", "console", "xray", "otlp"]
LogFormat = Literal["text", "json"]


def _store(value: str) -> Place:
    try:
        return located(parsers.text(value))
    except ValueError as error:
        raise Unfit(str(error)) from None


def _admins(value: str) -> frozenset[str]:
    parse = parsers.matching("[UW][A-Z0-9]+", "must be user IDs (U…), separated by commas")
    return frozenset(parse(each) for each in parsers.listed(value))


def _level(value: str) -> int:
    word = parsers.one_of("DEBUG", "INFO", "WARNING", "ERROR")(value)
    return logging.getLevelNamesMapping()[word]


SLACK_BOT_TOKEN = required(
    "SLACK_BOT_TOKEN",
    parsers.token("xoxb"),
    "the bot's token",
    example="xoxb-your-bot-token",
)
SLACK_SIGNING_SECRET = optional(
    "SLACK_SIGNING_SECRET",
    parsers.secret,
    "verifies Slack's requests",
    example="0123456789abcdef0123456789abcdef",
    default="required for HTTP",
)
SLACK_APP_TOKEN = optional(
    "SLACK_APP_TOKEN",
    parsers.token("xapp"),
    "when set, Socket Mode is used instead of HTTP requests",
    example="xapp-your-app-token",
)
SLACK_CHANNEL = required(
    "SLACK_CHANNEL",
    parsers.matching("[CG][A-Z0-9]+", "must be a channel's ID (C… or G…), not its name"),
    "the room's channel ID",
    example="C0123456789",
)
SLACK_TEAM = optional(
    "SLACK_TEAM",
    parsers.matching("[TE][A-Z0-9]+", "must be a workspace's ID"),
    "requests from any other workspace are refused",
    example="T0123456789",
    default="the token's own workspace",
)
SLACK_ADMINS = optional(
    "SLACK_ADMINS",
    _admins,
    "user IDs, comma-separated, beside the workspace's own admins and owners",
    example="U0123456789,U0987654321",
)
SLACK_API_URL = defaulted(
    "SLACK_API_URL", parsers.base_url, "Slack Web API base", default="https://slack.com/api/"
)
CHARGEPOINT_API_KEY = required(
    "CHARGEPOINT_API_KEY",
    parsers.secret,
    "the organisation's licence key",
    example="0123456789abcdef0123456789abcdef",
)
CHARGEPOINT_API_PASSWORD = required(
    "CHARGEPOINT_API_PASSWORD",
    parsers.secret,
    "the licence key's password",
    example="your-password",
)
CHARGEPOINT_API_URL = defaulted(
    "CHARGEPOINT_API_URL",
    parsers.url,
    "SOAP endpoint (Canada and Europe have their own hosts)",
    default="https://webservices.chargepoint.com/webservices/chargepoint/services/5.0",
)
CHARGEPOINT_STATION_GROUP = required(
    "CHARGEPOINT_STATION_GROUP",
    parsers.matching("[0-9]+", "must be a station group's number"),
    "sgID of the stations to watch",
    example="12345",
)
CHARGEPOINT_XMPP_JID = optional(
    "CHARGEPOINT_XMPP_JID",
    parsers.jid,
    "who the bot is to the stream of station events",
    example="name@webservice.chargepointportal.net",
    default="<API key>@webservice.chargepointportal.net",
)
CHARGEPOINT_XMPP_PASSWORD = optional(
    "CHARGEPOINT_XMPP_PASSWORD",
    parsers.secret,
    "the JID's password",
    example="your-password",
    default="the API password",
)
CHARGEPOINT_XMPP_HOST = optional(
    "CHARGEPOINT_XMPP_HOST",
    parsers.host,
    "where the stream is",
    example="webservice.chargepointportal.net",
    default="the JID's domain",
)
CHARGEPOINT_XMPP_PORT = defaulted(
    "CHARGEPOINT_XMPP_PORT", parsers.number(1, 65535), "the stream's port", default="5222"
)
CHARGEPOINT_XMPP_TLS: Setting[Tls] = defaulted(
    "CHARGEPOINT_XMPP_TLS",
    parsers.one_of("starttls", "direct", "none"),
    "`starttls`, `direct`, or `none` (refused unless the host is loopback)",
    default="starttls",
)
CHARGEPOINT_XMPP_SENDERS = optional(
    "CHARGEPOINT_XMPP_SENDERS",
    parsers.senders,
    "domains or bare JIDs whose messages count as events; all others are ignored and logged",
    example="webservice.chargepointportal.net",
    default="the JID's domain",
)
QUEUE_STORE: Setting[Place] = defaulted(
    "QUEUE_STORE",
    _store,
    "`sqlite:PATH` (embedded, one process; refused on Elastic Beanstalk) or `dynamodb:TABLE`"
    " (production, any number of machines)",
    default="sqlite:ev-concierge.db",
)
SITE_NAME = defaulted("SITE_NAME", parsers.text, "shown to people", default="EV Charging")
SITE_TIMEZONE = required(
    "SITE_TIMEZONE",
    parsers.zone,
    "IANA name; every wall-clock rule uses it",
    example="America/Los_Angeles",
)
IDLE_REMINDER_MINUTES = defaulted(
    "IDLE_REMINDER_MINUTES",
    parsers.minutes(_DAY_OF_MINUTES),
    "a free charger is mentioned in the room after this long",
    default="10",
)
CHARGING_LIMIT_MINUTES = defaulted(
    "CHARGING_LIMIT_MINUTES",
    parsers.minutes(7 * _DAY_OF_MINUTES),
    "a driver is asked to move after this long",
    default="150",
)
NAG_REPEAT_MINUTES = defaulted(
    "NAG_REPEAT_MINUTES",
    parsers.minutes(_DAY_OF_MINUTES),
    "how often that is repeated while somebody waits",
    default="30",
)
NAG_LIMIT = defaulted(
    "NAG_LIMIT", parsers.number(0, 100), "how often a driver is asked in all", default="3"
)
OFFER_MINUTES = defaulted(
    "OFFER_MINUTES",
    parsers.minutes(_DAY_OF_MINUTES),
    "time to plug in after being called",
    default="10",
)
ACCEPTED_OFFER_MINUTES = defaulted(
    "ACCEPTED_OFFER_MINUTES",
    parsers.minutes(_DAY_OF_MINUTES),
    "time to plug in after pressing *On my way*",
    default="15",
)
SUSPEND_MINUTES = defaulted(
    "SUSPEND_MINUTES",
    parsers.minutes(_DAY_OF_MINUTES),
    "how long an automatic suspension lasts",
    default="30",
)
QUIET_HOURS = defaulted(
    "QUIET_HOURS",
    parsers.hours,
    "no reminder, nag or notice in these hours; `none` or empty for none",
    default="20:00-06:00",
    empty_counts=True,
)
QUIET_DAYS = defaulted(
    "QUIET_DAYS",
    parsers.days,
    "quiet all day; `none` or empty for none",
    default="Sat,Sun",
    empty_counts=True,
)
RECONNECT_AT = defaulted(
    "RECONNECT_AT", parsers.clock_time, "daily fresh ChargePoint session", default="06:00"
)
RECONCILE_SECONDS = defaulted(
    "RECONCILE_SECONDS",
    parsers.seconds(_HOUR_OF_SECONDS),
    "how often the SOAP status corrects what the event stream missed",
    default="300",
)
CHARGEPOINT_PING_SECONDS = defaulted(
    "CHARGEPOINT_PING_SECONDS",
    parsers.seconds(_HOUR_OF_SECONDS),
    "how often the stream is pinged; half as long is waited for the answer",
    default="30",
)
LEASE_SECONDS = defaulted(
    "LEASE_SECONDS",
    parsers.seconds(_HOUR_OF_SECONDS),
    "how long a silent leader stays leader",
    default="15",
)
TRACE_EXPORTER: Setting[TraceExporter] = defaulted(
    "TRACE_EXPORTER",
    parsers.one_of("none", "console", "xray", "otlp"),
    "where traces go: `xray`, `otlp`, `console` or `none`",
    default="none",
)
AWS_XRAY_DAEMON_ADDRESS = defaulted(
    "AWS_XRAY_DAEMON_ADDRESS",
    parsers.daemon,
    "where the X-Ray daemon listens for UDP, also as `tcp:HOST:PORT udp:HOST:PORT`",
    default="127.0.0.1:2000",
)
LOG_FORMAT: Setting[LogFormat] = defaulted(
    "LOG_FORMAT", parsers.one_of("text", "json"), "`json` for one object per line", default="text"
)
LOG_LEVEL = defaulted("LOG_LEVEL", _level, "DEBUG, INFO, WARNING or ERROR", default="INFO")
PORT = defaulted(
    "PORT", parsers.number(0, 65535), "HTTP port; 0 for any that is free", default="8000"
)

SETTINGS: tuple[Setting[Any], ...] = tuple(
    each for each in tuple(globals().values()) if isinstance(each, Setting)
)
