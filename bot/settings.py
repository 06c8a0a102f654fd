"""What an administrator sets: read from the environment once, checked whole, passed on as values.

Each setting is declared once, in `SETTINGS`, against which the documentation is tested. What one
setting means for another stands in the functions that build the groups.
"""

import difflib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot import setting
from bot.setting import Problem, Secret, Setting, Unfit, defaulted, optional, required

# The platform's own tools are here on every Elastic Beanstalk instance, and nowhere else.
BEANSTALK = Path("/opt/elasticbeanstalk")

_DAY_OF_MINUTES = 24 * 60
_HOUR_OF_SECONDS = 60 * 60

Tls = Literal["starttls", "direct", "none"]
TraceExporter = Literal["none", "console"]
LogFormat = Literal["text", "json"]
Environment = Mapping[str, str]


class WrongSettings(Exception):
    """Settings are missing or wrong; every problem names its setting and what would be right."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class SlackSettings(Struct, frozen=True, kw_only=True):
    """How to be part of the workspace: with `app_token` by Socket Mode, else by HTTP."""

    bot_token: Secret
    signing_secret: Secret | None
    app_token: Secret | None
    channel: str
    team: str | None
    admins: frozenset[str]
    api_url: str


class XmppSettings(Struct, frozen=True, kw_only=True):
    """Where station events come from. The JID is as secret as the API key that is part of it."""

    jid: Secret
    password: Secret
    host: str
    port: int
    tls: Tls
    senders: frozenset[str]
    ping: timedelta


class ChargePointSettings(Struct, frozen=True, kw_only=True):
    """How to reach the network; `reconnect_at` is a wall-clock time at the site."""

    api_key: Secret
    api_password: Secret
    api_url: str
    station_group: str
    xmpp: XmppSettings
    reconnect_at: time
    reconcile: timedelta


class SiteSettings(Struct, frozen=True, kw_only=True):
    """What people see of the site, and its clock."""

    name: str
    timezone: ZoneInfo


class RuleSettings(Struct, frozen=True, kw_only=True):
    """The numbers in the rules; quiet days are weekdays as `datetime.weekday` counts them."""

    idle_reminder: timedelta
    charging_limit: timedelta
    nag_repeat: timedelta
    nag_limit: int
    offer: timedelta
    accepted_offer: timedelta
    suspension: timedelta
    quiet_hours: tuple[time, time] | None
    quiet_days: frozenset[int]


class LogSettings(Struct, frozen=True, kw_only=True):
    """How to log; the level is one of `logging`'s."""

    format: LogFormat
    level: int


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that was set, with the defaults for what was left out.

    `sqlite` is the embedded store's file; `warnings` are remarks for the log.
    """

    slack: SlackSettings
    chargepoint: ChargePointSettings
    site: SiteSettings
    rules: RuleSettings
    log: LogSettings
    sqlite: Path
    lease: timedelta
    trace_exporter: TraceExporter
    port: int
    warnings: tuple[str, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in the clear, for whoever must keep them out of what is printed."""
        groups = (self.slack, self.chargepoint, self.chargepoint.xmpp)
        values = [getattr(group, name) for group in groups for name in group.__struct_fields__]
        return tuple(value.reveal() for value in values if isinstance(value, Secret))


def _store_file(value: str) -> Path:
    kind, _, path = setting.text(value).partition(":")
    if kind == "dynamodb":
        raise Unfit("`dynamodb:TABLE` comes with a later version; use sqlite:PATH")
    if kind != "sqlite" or not path.strip():
        raise Unfit("must be sqlite:PATH")
    return Path(path.strip())


def _admins(value: str) -> frozenset[str]:
    parse = setting.matching("[UW][A-Z0-9]+", "must be user IDs (U…), separated by commas")
    return frozenset(parse(each) for each in setting.listed(value))


def _level(value: str) -> int:
    word = setting.one_of("DEBUG", "INFO", "WARNING", "ERROR")(value)
    return logging.getLevelNamesMapping()[word]


SLACK_BOT_TOKEN = required(
    "SLACK_BOT_TOKEN",
    setting.token("xoxb"),
    "the bot's token",
    example="xoxb-your-bot-token",
)
SLACK_SIGNING_SECRET = optional(
    "SLACK_SIGNING_SECRET",
    setting.secret,
    "verifies Slack's requests",
    example="0123456789abcdef0123456789abcdef",
    default="required for HTTP",
)
SLACK_APP_TOKEN = optional(
    "SLACK_APP_TOKEN",
    setting.token("xapp"),
    "when set, Socket Mode is used instead of HTTP requests",
    example="xapp-your-app-token",
)
SLACK_CHANNEL = required(
    "SLACK_CHANNEL",
    setting.matching("[CG][A-Z0-9]+", "must be a channel's ID (C… or G…), not its name"),
    "the room's channel ID",
    example="C0123456789",
)
SLACK_TEAM = optional(
    "SLACK_TEAM",
    setting.matching("[TE][A-Z0-9]+", "must be a workspace's ID"),
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
    "SLACK_API_URL", setting.base_url, "Slack Web API base", default="https://slack.com/api/"
)
CHARGEPOINT_API_KEY = required(
    "CHARGEPOINT_API_KEY",
    setting.secret,
    "the organisation's licence key",
    example="0123456789abcdef0123456789abcdef",
)
CHARGEPOINT_API_PASSWORD = required(
    "CHARGEPOINT_API_PASSWORD",
    setting.secret,
    "the licence key's password",
    example="your-password",
)
CHARGEPOINT_API_URL = defaulted(
    "CHARGEPOINT_API_URL",
    setting.url,
    "SOAP endpoint (Canada and Europe have their own hosts)",
    default="https://webservices.chargepoint.com/webservices/chargepoint/services/5.0",
)
CHARGEPOINT_STATION_GROUP = required(
    "CHARGEPOINT_STATION_GROUP",
    setting.matching("[0-9]+", "must be a station group's number"),
    "sgID of the stations to watch",
    example="12345",
)
CHARGEPOINT_XMPP_JID = optional(
    "CHARGEPOINT_XMPP_JID",
    setting.jid,
    "who the bot is to the stream of station events",
    example="name@webservice.chargepointportal.net",
    default="<API key>@webservice.chargepointportal.net",
)
CHARGEPOINT_XMPP_PASSWORD = optional(
    "CHARGEPOINT_XMPP_PASSWORD",
    setting.secret,
    "the JID's password",
    example="your-password",
    default="the API password",
)
CHARGEPOINT_XMPP_HOST = optional(
    "CHARGEPOINT_XMPP_HOST",
    setting.host,
    "where the stream is",
    example="webservice.chargepointportal.net",
    default="the JID's domain",
)
CHARGEPOINT_XMPP_PORT = defaulted(
    "CHARGEPOINT_XMPP_PORT", setting.number(1, 65535), "the stream's port", default="5222"
)
CHARGEPOINT_XMPP_TLS: Setting[Tls] = defaulted(
    "CHARGEPOINT_XMPP_TLS",
    setting.one_of("starttls", "direct", "none"),
    "`starttls`, `direct`, or `none` (refused unless the host is loopback)",
    default="starttls",
)
CHARGEPOINT_XMPP_SENDERS = optional(
    "CHARGEPOINT_XMPP_SENDERS",
    setting.senders,
    "domains or bare JIDs whose messages count as events; all others are ignored and logged",
    example="webservice.chargepointportal.net",
    default="the JID's domain",
)
QUEUE_STORE = defaulted(
    "QUEUE_STORE",
    _store_file,
    "`sqlite:PATH` (embedded, one process; refused on Elastic Beanstalk)",
    default="sqlite:ev-concierge.db",
)
SITE_NAME = defaulted("SITE_NAME", setting.text, "shown to people", default="EV Charging")
SITE_TIMEZONE = required(
    "SITE_TIMEZONE",
    setting.zone,
    "IANA name; every wall-clock rule uses it",
    example="America/Los_Angeles",
)
IDLE_REMINDER_MINUTES = defaulted(
    "IDLE_REMINDER_MINUTES",
    setting.minutes(_DAY_OF_MINUTES),
    "a free charger is mentioned in the room after this long",
    default="10",
)
CHARGING_LIMIT_MINUTES = defaulted(
    "CHARGING_LIMIT_MINUTES",
    setting.minutes(7 * _DAY_OF_MINUTES),
    "a driver is asked to move after this long",
    default="150",
)
NAG_REPEAT_MINUTES = defaulted(
    "NAG_REPEAT_MINUTES",
    setting.minutes(_DAY_OF_MINUTES),
    "how often that is repeated while somebody waits",
    default="30",
)
NAG_LIMIT = defaulted(
    "NAG_LIMIT", setting.number(0, 100), "how often a driver is asked in all", default="3"
)
OFFER_MINUTES = defaulted(
    "OFFER_MINUTES",
    setting.minutes(_DAY_OF_MINUTES),
    "time to plug in after being called",
    default="10",
)
ACCEPTED_OFFER_MINUTES = defaulted(
    "ACCEPTED_OFFER_MINUTES",
    setting.minutes(_DAY_OF_MINUTES),
    "time to plug in after pressing *On my way*",
    default="15",
)
SUSPEND_MINUTES = defaulted(
    "SUSPEND_MINUTES",
    setting.minutes(_DAY_OF_MINUTES),
    "how long an automatic suspension lasts",
    default="30",
)
QUIET_HOURS = defaulted(
    "QUIET_HOURS",
    setting.hours,
    "no reminder, nag or notice in these hours; empty for none",
    default="20:00-06:00",
    empty_counts=True,
)
QUIET_DAYS = defaulted(
    "QUIET_DAYS",
    setting.days,
    "quiet all day; empty for none",
    default="Sat,Sun",
    empty_counts=True,
)
RECONNECT_AT = defaulted(
    "RECONNECT_AT", setting.clock_time, "daily fresh ChargePoint session", default="06:00"
)
RECONCILE_SECONDS = defaulted(
    "RECONCILE_SECONDS",
    setting.seconds(_HOUR_OF_SECONDS),
    "how often the SOAP status corrects what the event stream missed",
    default="300",
)
CHARGEPOINT_PING_SECONDS = defaulted(
    "CHARGEPOINT_PING_SECONDS",
    setting.seconds(_HOUR_OF_SECONDS),
    "how often the stream is pinged; half as long is waited for the answer",
    default="30",
)
LEASE_SECONDS = defaulted(
    "LEASE_SECONDS",
    setting.seconds(_HOUR_OF_SECONDS),
    "how long a silent leader stays leader",
    default="15",
)
TRACE_EXPORTER: Setting[TraceExporter] = defaulted(
    "TRACE_EXPORTER",
    setting.one_of("none", "console", later=("xray", "otlp")),
    "`console` prints each piece of work with its steps",
    default="none",
)
LOG_FORMAT: Setting[LogFormat] = defaulted(
    "LOG_FORMAT", setting.one_of("text", "json"), "`json` for one object per line", default="text"
)
LOG_LEVEL = defaulted("LOG_LEVEL", _level, "DEBUG, INFO, WARNING or ERROR", default="INFO")
PORT = defaulted(
    "PORT", setting.number(0, 65535), "HTTP port; 0 for any that is free", default="8000"
)

SETTINGS: tuple[Setting[Any], ...] = tuple(
    each for each in tuple(globals().values()) if isinstance(each, Setting)
)


def read_process() -> Settings:
    """Answer the settings of this process; otherwise as `read_settings`."""
    return read_settings(os.environ)  # noqa: TID251 # this is the one place where it is read


def read_settings(environment: Environment, *, beanstalk: Path = BEANSTALK) -> Settings:
    """Answer what is set, or every problem at once.

    Raises:
        WrongSettings: something is missing or wrong.
    """
    problems = _problems(environment, beanstalk)
    if problems:
        raise WrongSettings(problems)
    return Settings(
        slack=_slack(environment),
        chargepoint=_chargepoint(environment),
        site=SiteSettings(
            name=SITE_NAME.read(environment), timezone=SITE_TIMEZONE.read(environment)
        ),
        rules=_rules(environment),
        log=LogSettings(format=LOG_FORMAT.read(environment), level=LOG_LEVEL.read(environment)),
        sqlite=_sqlite(environment, beanstalk),
        lease=LEASE_SECONDS.read(environment),
        trace_exporter=TRACE_EXPORTER.read(environment),
        port=PORT.read(environment),
        warnings=_remarks(environment),
    )


def _problems(environment: Environment, beanstalk: Path) -> tuple[str, ...]:
    attempts: list[Callable[[], object]] = [
        *(partial(each.read, environment) for each in SETTINGS),
        partial(_slack, environment),
        partial(_xmpp, environment),
        partial(_sqlite, environment, beanstalk),
    ]
    # A setting that is wrong also spoils the group that it belongs to; it is named once.
    found = dict.fromkeys(filter(None, map(_complaint, attempts)))
    return tuple(found)


def _complaint(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except Problem as problem:
        return str(problem)
    return None


def _slack(environment: Environment) -> SlackSettings:
    app_token = SLACK_APP_TOKEN.read(environment)
    signing_secret = SLACK_SIGNING_SECRET.read(environment)
    if app_token is None and signing_secret is None:
        raise SLACK_SIGNING_SECRET.problem("is missing (unless SLACK_APP_TOKEN is set)")
    return SlackSettings(
        bot_token=SLACK_BOT_TOKEN.read(environment),
        signing_secret=signing_secret,
        app_token=app_token,
        channel=SLACK_CHANNEL.read(environment),
        team=SLACK_TEAM.read(environment),
        admins=SLACK_ADMINS.read(environment) or frozenset(),
        api_url=SLACK_API_URL.read(environment),
    )


def _chargepoint(environment: Environment) -> ChargePointSettings:
    return ChargePointSettings(
        api_key=CHARGEPOINT_API_KEY.read(environment),
        api_password=CHARGEPOINT_API_PASSWORD.read(environment),
        api_url=CHARGEPOINT_API_URL.read(environment),
        station_group=CHARGEPOINT_STATION_GROUP.read(environment),
        xmpp=_xmpp(environment),
        reconnect_at=RECONNECT_AT.read(environment),
        reconcile=RECONCILE_SECONDS.read(environment),
    )


def _xmpp(environment: Environment) -> XmppSettings:
    jid = CHARGEPOINT_XMPP_JID.read(environment) or _jid_of_key(environment)
    domain = jid.reveal().rpartition("@")[2].lower()
    host = CHARGEPOINT_XMPP_HOST.read(environment) or domain
    tls = CHARGEPOINT_XMPP_TLS.read(environment)
    if tls == "none" and not setting.is_loopback(host):
        raise CHARGEPOINT_XMPP_TLS.problem("can be `none` only on this very machine")
    return XmppSettings(
        jid=jid,
        password=CHARGEPOINT_XMPP_PASSWORD.read(environment)
        or CHARGEPOINT_API_PASSWORD.read(environment),
        host=host,
        port=CHARGEPOINT_XMPP_PORT.read(environment),
        tls=tls,
        senders=CHARGEPOINT_XMPP_SENDERS.read(environment) or frozenset({domain}),
        ping=CHARGEPOINT_PING_SECONDS.read(environment),
    )


def _jid_of_key(environment: Environment) -> Secret:
    key = CHARGEPOINT_API_KEY.read(environment).reveal()
    try:
        return setting.jid(f"{key}@webservice.chargepointportal.net")
    except Unfit:
        raise CHARGEPOINT_XMPP_JID.problem("can't be made of this API key: set it") from None


def _rules(environment: Environment) -> RuleSettings:
    return RuleSettings(
        idle_reminder=IDLE_REMINDER_MINUTES.read(environment),
        charging_limit=CHARGING_LIMIT_MINUTES.read(environment),
        nag_repeat=NAG_REPEAT_MINUTES.read(environment),
        nag_limit=NAG_LIMIT.read(environment),
        offer=OFFER_MINUTES.read(environment),
        accepted_offer=ACCEPTED_OFFER_MINUTES.read(environment),
        suspension=SUSPEND_MINUTES.read(environment),
        quiet_hours=QUIET_HOURS.read(environment),
        quiet_days=QUIET_DAYS.read(environment),
    )


def _sqlite(environment: Environment, beanstalk: Path) -> Path:
    path = QUEUE_STORE.read(environment)
    if beanstalk.is_dir():
        raise Problem(
            "QUEUE_STORE can't be sqlite:PATH on Elastic Beanstalk, whose disk goes with each"
            " deploy; dynamodb:TABLE comes with a later version"
        )
    return path


def _remarks(environment: Environment) -> tuple[str, ...]:
    known = {each.name for each in SETTINGS}
    unknown = sorted(name[:100] for name in set(environment) - known)
    return tuple(filter(None, (_remark(name, known) for name in unknown)))


def _remark(name: str, known: Iterable[str]) -> str | None:
    if not name.upper().startswith(("SLACK_", "CHARGEPOINT_")):
        return None
    similar = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    return f"{name!a} is not a setting; did you mean {similar[0]}?" if similar else None
