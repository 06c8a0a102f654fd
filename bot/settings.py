"""What an administrator sets: read from the environment once, checked whole, passed on as values.

What one setting means for another stands in the functions that build the groups.
"""

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot import parsers, variables
from bot.setting import Problem, Secret, Unfit
from bot.variables import SETTINGS, LogFormat, Tls, TraceExporter
from queue_store.opening import Place, SqliteFile

# The platform's own tools are here on every Elastic Beanstalk instance, and nowhere else.
BEANSTALK = Path("/opt/elasticbeanstalk")

_T = TypeVar("_T")
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


class TraceSettings(Struct, frozen=True, kw_only=True):
    """Where traces go; `daemon` is the host and the port of X-Ray's."""

    exporter: TraceExporter
    daemon: tuple[str, int]


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that was set, with the defaults for what was left out.

    `warnings` are remarks for the log.
    """

    slack: SlackSettings
    chargepoint: ChargePointSettings
    site: SiteSettings
    rules: RuleSettings
    log: LogSettings
    store: Place
    lease: timedelta
    trace: TraceSettings
    port: int
    warnings: tuple[str, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in the clear, for whoever must keep them out of what is printed."""
        return _secrets(self.slack, self.chargepoint, self.chargepoint.xmpp)


class Readable(Struct, frozen=True, kw_only=True):
    """What of the settings is right, and what is wrong with the rest.

    A group is None where something in it is missing or wrong.
    """

    slack: SlackSettings | None
    chargepoint: ChargePointSettings | None
    timezone: ZoneInfo | None
    rules: RuleSettings | None
    store: Place | None
    trace: TraceSettings | None
    port: int | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in the clear, as far as it was read."""
        if self.chargepoint is None:
            return _secrets(self.slack)
        return _secrets(self.slack, self.chargepoint, self.chargepoint.xmpp)


def read_process() -> Settings:
    """Answer the settings of this process; otherwise as `read_settings`."""
    return read_settings(os.environ)  # noqa: TID251 # this is the one place where it is read


def read_what_is_right() -> Readable:
    """Answer what is right in the settings of this process."""
    return readable(os.environ)  # noqa: TID251 # as above


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
            name=variables.SITE_NAME.read(environment),
            timezone=variables.SITE_TIMEZONE.read(environment),
        ),
        rules=_rules(environment),
        log=LogSettings(
            format=variables.LOG_FORMAT.read(environment),
            level=variables.LOG_LEVEL.read(environment),
        ),
        store=_store(environment, beanstalk),
        lease=variables.LEASE_SECONDS.read(environment),
        trace=_trace(environment),
        port=variables.PORT.read(environment),
        warnings=_remarks(environment),
    )


def readable(environment: Environment, *, beanstalk: Path = BEANSTALK) -> Readable:
    """Answer what can be read, group by group, and every problem."""
    return Readable(
        slack=_unless_wrong(partial(_slack, environment)),
        chargepoint=_unless_wrong(partial(_chargepoint, environment)),
        timezone=_unless_wrong(partial(variables.SITE_TIMEZONE.read, environment)),
        rules=_unless_wrong(partial(_rules, environment)),
        store=_unless_wrong(partial(_store, environment, beanstalk)),
        trace=_unless_wrong(partial(_trace, environment)),
        port=_unless_wrong(partial(variables.PORT.read, environment)),
        problems=_problems(environment, beanstalk),
        warnings=_remarks(environment),
    )


def _unless_wrong(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except Problem:
        return None


def _secrets(*groups: Struct | None) -> tuple[str, ...]:
    present = [group for group in groups if group is not None]
    values = [getattr(group, name) for group in present for name in group.__struct_fields__]
    return tuple(value.reveal() for value in values if isinstance(value, Secret))


def _problems(environment: Environment, beanstalk: Path) -> tuple[str, ...]:
    attempts: list[Callable[[], object]] = [
        *(partial(each.read, environment) for each in SETTINGS),
        partial(_slack, environment),
        partial(_xmpp, environment),
        partial(_store, environment, beanstalk),
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
    app_token = variables.SLACK_APP_TOKEN.read(environment)
    signing_secret = variables.SLACK_SIGNING_SECRET.read(environment)
    if app_token is None and signing_secret is None:
        raise variables.SLACK_SIGNING_SECRET.problem("is missing (unless SLACK_APP_TOKEN is set)")
    return SlackSettings(
        bot_token=variables.SLACK_BOT_TOKEN.read(environment),
        signing_secret=signing_secret,
        app_token=app_token,
        channel=variables.SLACK_CHANNEL.read(environment),
        team=variables.SLACK_TEAM.read(environment),
        admins=variables.SLACK_ADMINS.read(environment) or frozenset(),
        api_url=variables.SLACK_API_URL.read(environment),
    )


def _chargepoint(environment: Environment) -> ChargePointSettings:
    return ChargePointSettings(
        api_key=variables.CHARGEPOINT_API_KEY.read(environment),
        api_password=variables.CHARGEPOINT_API_PASSWORD.read(environment),
        api_url=variables.CHARGEPOINT_API_URL.read(environment),
        station_group=variables.CHARGEPOINT_STATION_GROUP.read(environment),
        xmpp=_xmpp(environment),
        reconnect_at=variables.RECONNECT_AT.read(environment),
        reconcile=variables.RECONCILE_SECONDS.read(environment),
    )


def _xmpp(environment: Environment) -> XmppSettings:
    jid = variables.CHARGEPOINT_XMPP_JID.read(environment) or _jid_of_key(environment)
    domain = jid.reveal().rpartition("@")[2].lower()
    host = variables.CHARGEPOINT_XMPP_HOST.read(environment) or domain
    tls = variables.CHARGEPOINT_XMPP_TLS.read(environment)
    if tls == "none" and not parsers.is_loopback(host):
        raise variables.CHARGEPOINT_XMPP_TLS.problem("can be `none` only on this very machine")
    return XmppSettings(
        jid=jid,
        password=variables.CHARGEPOINT_XMPP_PASSWORD.read(environment)
        or variables.CHARGEPOINT_API_PASSWORD.read(environment),
        host=host,
        port=variables.CHARGEPOINT_XMPP_PORT.read(environment),
        tls=tls,
        senders=variables.CHARGEPOINT_XMPP_SENDERS.read(environment) or frozenset({domain}),
        ping=variables.CHARGEPOINT_PING_SECONDS.read(environment),
    )


def _jid_of_key(environment: Environment) -> Secret:
    key = variables.CHARGEPOINT_API_KEY.read(environment).reveal()
    try:
        return parsers.jid(f"{key}@webservice.chargepointportal.net")
    except Unfit:
        raise variables.CHARGEPOINT_XMPP_JID.problem(
            "can't be made of this API key: set it"
        ) from None


def _rules(environment: Environment) -> RuleSettings:
    return RuleSettings(
        idle_reminder=variables.IDLE_REMINDER_MINUTES.read(environment),
        charging_limit=variables.CHARGING_LIMIT_MINUTES.read(environment),
        nag_repeat=variables.NAG_REPEAT_MINUTES.read(environment),
        nag_limit=variables.NAG_LIMIT.read(environment),
        offer=variables.OFFER_MINUTES.read(environment),
        accepted_offer=variables.ACCEPTED_OFFER_MINUTES.read(environment),
        suspension=variables.SUSPEND_MINUTES.read(environment),
        quiet_hours=variables.QUIET_HOURS.read(environment),
        quiet_days=variables.QUIET_DAYS.read(environment),
    )


def _store(environment: Environment, beanstalk: Path) -> Place:
    store = variables.QUEUE_STORE.read(environment)
    if isinstance(store, SqliteFile) and beanstalk.is_dir():
        raise Problem(
            "QUEUE_STORE can't be sqlite:PATH on Elastic Beanstalk, whose disk goes with each"
            " deploy: make a table (python -m queue_store create dynamodb:TABLE) and set"
            " QUEUE_STORE=dynamodb:TABLE"
        )
    return store


def _trace(environment: Environment) -> TraceSettings:
    return TraceSettings(
        exporter=variables.TRACE_EXPORTER.read(environment),
        daemon=variables.AWS_XRAY_DAEMON_ADDRESS.read(environment),
    )


def _remarks(environment: Environment) -> tuple[str, ...]:
    known = {each.name for each in SETTINGS}
    unknown = sorted(name[:100] for name in set(environment) - known)
    return tuple(filter(None, (_remark(name, known) for name in unknown)))


def _remark(name: str, known: Iterable[str]) -> str | None:
    if not name.upper().startswith(("SLACK_", "CHARGEPOINT_")):
        return None
    similar = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    return f"{name!a} is not a setting; did you mean {similar[0]}?" if similar else None
