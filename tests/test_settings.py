"""What administrators set is read once, checked whole, and never repeated aloud."""

import logging
from contextlib import suppress
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.setting import Secret, Setting
from bot.settings import Settings, TraceSettings, WrongSettings, read_settings, readable
from bot.variables import SETTINGS
from queue_store.opening import DynamoDbTable, SqliteFile

COMPLETE = {
    "SLACK_BOT_TOKEN": "xoxb-1111-bottoken",
    "SLACK_SIGNING_SECRET": "5161ec7e",
    "SLACK_CHANNEL": "C0ROOM",
    "CHARGEPOINT_API_KEY": "0a1b2c3d",
    "CHARGEPOINT_API_PASSWORD": "sesame street",
    "CHARGEPOINT_STATION_GROUP": "12345",
    "SITE_TIMEZONE": "Europe/Zurich",
}
ELSEWHERE = Path("/nowhere/elasticbeanstalk")


def read(**changes: str | None) -> Settings:
    """Read complete settings with these changes; None leaves one out."""
    changed = {**COMPLETE, **changes}
    environment = {name: value for name, value in changed.items() if value is not None}
    return read_settings(environment, beanstalk=ELSEWHERE)


def problems(**changes: str | None) -> tuple[str, ...]:
    """Answer what is wrong with complete settings after these changes."""
    with pytest.raises(WrongSettings) as wrong:
        read(**changes)
    return wrong.value.problems


def test_a_site_needs_only_seven_settings() -> None:
    """Whoever sets up a bot on a Friday is done before the weekend."""
    settings = read()

    assert settings.slack.bot_token == Secret("xoxb-1111-bottoken")
    assert settings.slack.signing_secret == Secret("5161ec7e")
    assert settings.slack.app_token is None
    assert settings.slack.channel == "C0ROOM"
    assert settings.slack.team is None
    assert settings.slack.admins == frozenset()
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.chargepoint.api_url == (
        "https://webservices.chargepoint.com/webservices/chargepoint/services/5.0"
    )
    assert settings.chargepoint.station_group == "12345"
    assert settings.chargepoint.reconnect_at == time(6)
    assert settings.chargepoint.reconcile == timedelta(minutes=5)
    assert settings.store == SqliteFile(Path("ev-concierge.db"))
    assert settings.site.name == "EV Charging"
    assert settings.site.timezone == ZoneInfo("Europe/Zurich")
    assert settings.rules.idle_reminder == timedelta(minutes=10)
    assert settings.rules.charging_limit == timedelta(minutes=150)
    assert (settings.rules.nag_repeat, settings.rules.nag_limit) == (timedelta(minutes=30), 3)
    assert settings.rules.offer == timedelta(minutes=10)
    assert settings.rules.accepted_offer == timedelta(minutes=15)
    assert settings.rules.suspension == timedelta(minutes=30)
    assert settings.rules.quiet_hours == (time(20), time(6))
    assert settings.rules.quiet_days == {5, 6}
    assert settings.lease == timedelta(seconds=15)
    assert settings.trace == TraceSettings(exporter="none", daemon=("127.0.0.1", 2000))
    assert (settings.log.format, settings.log.level) == ("text", logging.INFO)
    assert settings.port == 8000
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("wrong", "groups"),
    [
        ({"SLACK_BOT_TOKEN": "sesame"}, {"slack"}),
        ({"SLACK_SIGNING_SECRET": ""}, {"slack"}),
        ({"CHARGEPOINT_XMPP_TLS": "none"}, {"chargepoint"}),
        ({"RECONNECT_AT": "dawn"}, {"chargepoint"}),
        ({"SITE_TIMEZONE": ""}, {"timezone"}),
        ({"QUIET_DAYS": "Blursday", "PORT": "http"}, {"rules", "port"}),
        ({"QUEUE_STORE": "paper"}, {"store"}),
        ({"TRACE_EXPORTER": "paper"}, {"trace"}),
        ({"LOG_LEVEL": "LOUD"}, set()),
    ],
)
def test_what_is_right_can_be_read_beside_what_is_wrong(
    wrong: dict[str, str], groups: set[str]
) -> None:
    """The doctor tries what can be tried; one slip must not hide the next."""
    found = readable({**COMPLETE, **wrong}, beanstalk=ELSEWHERE)

    assert {name for name in found.__struct_fields__ if getattr(found, name) is None} == groups
    assert found.problems == problems(**wrong)
    assert {"sesame street", "0a1b2c3d"} <= {*found.secrets} or "chargepoint" in groups
    assert "xoxb-1111-bottoken" in found.secrets or "slack" in groups


def test_the_stream_follows_from_the_api_key() -> None:
    """An organisation has one key; it need not be typed three times."""
    xmpp = read().chargepoint.xmpp

    assert xmpp.jid == Secret("0a1b2c3d@webservice.chargepointportal.net")
    assert xmpp.password == Secret("sesame street")
    assert (xmpp.host, xmpp.port) == ("webservice.chargepointportal.net", 5222)
    assert xmpp.senders == {"webservice.chargepointportal.net"}
    assert (xmpp.tls, xmpp.ping) == ("starttls", timedelta(seconds=30))


def test_the_stream_may_be_elsewhere() -> None:
    """A network of another region, or a simulated one."""
    xmpp = read(
        CHARGEPOINT_XMPP_JID="Bot@Stream.example",
        CHARGEPOINT_XMPP_PASSWORD="other",
        CHARGEPOINT_XMPP_HOST="127.0.0.1",
        CHARGEPOINT_XMPP_PORT="15222",
        CHARGEPOINT_XMPP_TLS="None",
        CHARGEPOINT_XMPP_SENDERS="Stream.example, events@other.example,",
    ).chargepoint.xmpp

    assert xmpp.jid == Secret("Bot@Stream.example")
    assert xmpp.password == Secret("other")
    assert (xmpp.host, xmpp.port, xmpp.tls) == ("127.0.0.1", 15222, "none")
    assert xmpp.senders == {"stream.example", "events@other.example"}


def test_the_jids_domain_is_host_and_sender_where_none_is_named() -> None:
    """The one who sends events is the one we log in to."""
    xmpp = read(CHARGEPOINT_XMPP_JID="bot@Stream.example").chargepoint.xmpp

    assert xmpp.host == "stream.example"
    assert xmpp.senders == {"stream.example"}


def test_every_problem_is_named_at_once() -> None:
    """Eleven failed starts to learn of eleven problems would be unkind."""
    with pytest.raises(WrongSettings) as wrong:
        read_settings({}, beanstalk=ELSEWHERE)

    assert [problem.split()[0] for problem in wrong.value.problems] == [
        "SLACK_BOT_TOKEN",
        "SLACK_CHANNEL",
        "CHARGEPOINT_API_KEY",
        "CHARGEPOINT_API_PASSWORD",
        "CHARGEPOINT_STATION_GROUP",
        "SITE_TIMEZONE",
        "SLACK_SIGNING_SECRET",
    ]
    assert all("is missing" in problem for problem in wrong.value.problems)


WRONG = [
    ("SLACK_BOT_TOKEN", "xoxp-1111-user"),
    ("SLACK_BOT_TOKEN", "xoxb-with space"),
    ("SLACK_BOT_TOKEN", "xoxb-with\nline"),
    ("SLACK_SIGNING_SECRET", "two\nlines"),
    ("SLACK_APP_TOKEN", "xoxb-1111-bot"),
    ("SLACK_CHANNEL", "#ev-charging"),
    ("SLACK_CHANNEL", "D0PRIVATE"),
    ("SLACK_TEAM", "acme"),
    ("SLACK_ADMINS", "U0ADA,@grace"),
    ("SLACK_API_URL", "http://slack.com/api/"),
    ("SLACK_API_URL", "http://localhost.example/api/"),
    ("SLACK_API_URL", "https://user:pass@slack.com/api/"),
    ("SLACK_API_URL", "https://user@slack.com/api/"),
    ("SLACK_API_URL", "https://slack.com/api/?token=1"),
    ("SLACK_API_URL", "https://[half/"),
    ("SLACK_API_URL", "https://host:port/"),
    ("SLACK_API_URL", "https:///api/"),
    ("CHARGEPOINT_API_URL", "ftp://chargepoint.example/"),
    ("CHARGEPOINT_API_URL", "http://chargepoint.example/"),
    ("CHARGEPOINT_STATION_GROUP", "HQ"),
    ("CHARGEPOINT_XMPP_JID", "stream.example"),
    ("CHARGEPOINT_XMPP_JID", "bot@stream.example/resource"),
    ("CHARGEPOINT_XMPP_HOST", "https://stream.example"),
    ("CHARGEPOINT_XMPP_PORT", "0"),
    ("CHARGEPOINT_XMPP_PORT", "65536"),
    ("CHARGEPOINT_XMPP_TLS", "ssl"),
    ("CHARGEPOINT_XMPP_SENDERS", "not a domain"),
    ("QUEUE_STORE", "ev-concierge.db"),
    ("QUEUE_STORE", "sqlite:"),
    ("QUEUE_STORE", "sqlite: "),
    ("QUEUE_STORE", "dynamodb:"),
    ("QUEUE_STORE", "dynamodb:ev"),
    ("QUEUE_STORE", "dynamodb:two words"),
    ("QUEUE_STORE", "postgres:queue"),
    ("SITE_NAME", "two\nlines"),
    ("SITE_TIMEZONE", "CEST+2"),
    ("SITE_TIMEZONE", "/etc/localtime"),
    ("SITE_TIMEZONE", "../../etc/passwd"),
    ("SITE_TIMEZONE", "Europe"),
    ("IDLE_REMINDER_MINUTES", "0"),
    ("IDLE_REMINDER_MINUTES", "-1"),
    ("IDLE_REMINDER_MINUTES", "nan"),
    ("IDLE_REMINDER_MINUTES", "inf"),
    ("IDLE_REMINDER_MINUTES", "1e3"),
    ("IDLE_REMINDER_MINUTES", "ten"),
    ("IDLE_REMINDER_MINUTES", "0.000000001"),
    ("IDLE_REMINDER_MINUTES", "999999999"),
    ("NAG_LIMIT", "2.5"),
    ("NAG_LIMIT", "101"),
    ("QUIET_HOURS", "20:00"),
    ("QUIET_HOURS", "20:00-24:00"),
    ("QUIET_HOURS", "20:00-20:00"),
    ("QUIET_HOURS", "20:00-06:00-07:00"),
    ("QUIET_DAYS", "Weekend"),
    ("QUIET_DAYS", "S"),
    ("QUIET_DAYS", "Sat,none"),
    ("RECONNECT_AT", "6am"),
    ("RECONNECT_AT", "06:60"),
    ("RECONCILE_SECONDS", "0"),
    ("CHARGEPOINT_PING_SECONDS", "0"),
    ("LEASE_SECONDS", "0"),
    ("TRACE_EXPORTER", "jaeger"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "LOUD"),
    ("PORT", "65536"),
    ("PORT", "http"),
    ("TRACE_EXPORTER", "jaeger"),
    ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
    ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:0"),
    ("AWS_XRAY_DAEMON_ADDRESS", "tcp:127.0.0.1:2000 udp:nowhere"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_with_a_right_one(name: str, value: str) -> None:
    """The line on the screen says which setting to change, and to what."""
    (problem,) = problems(**{name: value})

    assert problem.startswith(f"{name} ")
    assert f"for example {name}=" in problem
    assert "\n" not in problem


RIGHT = [
    ("SLACK_CHANNEL", "G0ROOM"),
    ("SLACK_API_URL", "http://localhost:8080/api/"),
    ("SLACK_API_URL", "http://[::1]:8080/api/"),
    ("CHARGEPOINT_API_URL", "http://127.0.0.1:8081/soap"),
    ("CHARGEPOINT_XMPP_HOST", "::1"),
    ("IDLE_REMINDER_MINUTES", "0.05"),
    ("NAG_LIMIT", "0"),
    ("QUIET_HOURS", "6:00 - 7:30"),
    ("QUIET_DAYS", "monday,TUE"),
    ("PORT", "0"),
    ("PORT", " 8080 "),
    ("TRACE_EXPORTER", "XRAY"),
    ("TRACE_EXPORTER", "otlp"),
]


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_a_right_value_is_taken(name: str, value: str) -> None:
    """Nobody should have to guess at spaces, capitals and fractions."""
    assert read(**{name: value}) != read()


def test_a_missing_slash_is_added() -> None:
    """Slack's client appends the method to the base as it stands."""
    assert read(SLACK_API_URL="https://slack.example/api").slack.api_url == (
        "https://slack.example/api/"
    )


def test_socket_mode_needs_no_signing_secret() -> None:
    """Where Slack signs no requests there is nothing to verify."""
    slack = read(SLACK_SIGNING_SECRET=None, SLACK_APP_TOKEN="xapp-1-A-1").slack

    assert (slack.app_token, slack.signing_secret) == (Secret("xapp-1-A-1"), None)


def test_http_needs_the_signing_secret() -> None:
    """Or anybody could speak as Slack."""
    (problem,) = problems(SLACK_SIGNING_SECRET=None)

    assert problem.startswith("SLACK_SIGNING_SECRET is missing (unless SLACK_APP_TOKEN is set)")


def test_admins_are_user_ids_between_commas() -> None:
    """Beside the workspace's own admins and owners."""
    assert read(SLACK_ADMINS=" U0ADA, W0GRACE ,").slack.admins == {"U0ADA", "W0GRACE"}


def test_a_stream_without_tls_leaves_this_machine_never() -> None:
    """The password would be readable on the way."""
    (problem,) = problems(CHARGEPOINT_XMPP_TLS="none")

    assert problem.startswith("CHARGEPOINT_XMPP_TLS can be `none` only on this very machine")


def test_a_key_that_makes_no_jid_asks_for_the_jid() -> None:
    """Better than a login that fails for no visible reason."""
    (problem,) = problems(CHARGEPOINT_API_KEY="key@home")

    assert problem.startswith("CHARGEPOINT_XMPP_JID can't be made of this API key")


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_setting_is_a_missing_one(text: str) -> None:
    """Deployment tools set to nothing what they were not told."""
    emptied = {setting.name: text for setting in SETTINGS if not setting.empty_counts}

    assert read(**{**emptied, **COMPLETE}) == read()
    assert {problem.split()[0] for problem in problems(**emptied)} == set(COMPLETE)


@pytest.mark.parametrize("text", ["", "  ", "none", "None"])
def test_a_site_that_works_around_the_clock_has_no_quiet_times(text: str) -> None:
    """Not every tool can set a variable to nothing."""
    rules = read(QUIET_HOURS=text, QUIET_DAYS=text).rules

    assert (rules.quiet_hours, rules.quiet_days) == (None, frozenset())


def test_a_mistyped_zone_gets_a_suggestion() -> None:
    """Time zones are hard to spell."""
    (problem,) = problems(SITE_TIMEZONE="Europe/Zurick")

    assert "did you mean Europe/Zurich?" in problem


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:2000", ("127.0.0.1", 2000)),
        ("daemon.internal:3000", ("daemon.internal", 3000)),
        ("[::1]:2000", ("::1", 2000)),
        ("tcp:127.0.0.1:2000 udp:127.0.0.2:2001", ("127.0.0.2", 2001)),
        ("udp:127.0.0.2:2001 tcp:127.0.0.1:2000", ("127.0.0.2", 2001)),
    ],
)
def test_the_x_ray_daemon_is_where_its_own_setting_says(
    text: str, address: tuple[str, int]
) -> None:
    """AWS's tools write it in two ways; traces go by UDP."""
    assert read(AWS_XRAY_DAEMON_ADDRESS=text).trace.daemon == address


def test_a_disk_that_goes_with_each_deploy_is_refused(tmp_path: Path) -> None:
    """On Elastic Beanstalk the queue would be forgotten with every new version."""
    with pytest.raises(WrongSettings, match=r"Elastic Beanstalk.* QUEUE_STORE=dynamodb:TABLE"):
        read_settings(COMPLETE, beanstalk=tmp_path)


@pytest.mark.parametrize("text", ["dynamodb:ev-concierge", " dynamodb: ev-concierge "])
def test_a_table_is_taken_on_elastic_beanstalk_too(tmp_path: Path, text: str) -> None:
    """It is where the queue outlives the machines."""
    settings = read_settings({**COMPLETE, "QUEUE_STORE": text}, beanstalk=tmp_path)

    assert settings.store == DynamoDbTable("ev-concierge")


def test_a_likely_typo_is_remarked_upon() -> None:
    """A setting that is silently ignored costs an afternoon."""
    settings = read(SLACK_ADMIN="U0ADA", CHARGEPOINT_XMP_JID="a@b", SLACK_COLOUR="blue", PATH="/")

    assert settings.warnings == (
        "'CHARGEPOINT_XMP_JID' is not a setting; did you mean CHARGEPOINT_XMPP_JID?",
        "'SLACK_ADMIN' is not a setting; did you mean SLACK_ADMINS?",
    )


def test_no_secret_is_printed_with_the_settings() -> None:
    """Somebody will print the settings one day."""
    settings = read(SLACK_APP_TOKEN="xapp-1-A-1")

    printed = f"{settings} {settings!r}"

    assert len(settings.secrets) == 7
    assert not [secret for secret in settings.secrets if secret in printed]


@given(
    misplaced=st.sampled_from([setting.name for setting in SETTINGS]),
    token=st.from_regex(r"xox[bp]-[a-f0-9]{12}", fullmatch=True),
)
def test_a_misplaced_token_is_not_printed(misplaced: str, token: str) -> None:
    """Tokens are pasted into the wrong line, and logs are shown around."""
    with pytest.raises(WrongSettings) as wrong:
        read_settings({"SLACK_BOT_TOKEN": "nonsense", misplaced: token}, beanstalk=ELSEWHERE)

    assert token not in str(wrong.value)
    assert token not in repr(wrong.value.__context__)


_ODD = st.text(st.characters(exclude_characters="\0"), max_size=30)
_ALMOST = st.sampled_from(
    [
        *COMPLETE.values(),
        *(setting.example for setting in SETTINGS),
        "https://[",
        "http://:0",
        "ten",
    ]
)


@given(
    st.dictionaries(
        st.sampled_from([setting.name for setting in SETTINGS]) | _ODD.map("SLACK_{}".format),
        _ALMOST | _ODD | st.tuples(_ALMOST, _ODD).map("".join),
    )
)
def test_any_environment_gives_settings_or_problems(changes: dict[str, str]) -> None:
    """Whatever is set, an administrator reads words, not a stack trace."""
    with suppress(WrongSettings):
        read_settings({**COMPLETE, **changes}, beanstalk=ELSEWHERE)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
def test_every_setting_explains_itself(setting: Setting[object]) -> None:
    """The documentation is held against these words."""
    assert setting.name.isupper()
    assert setting.meaning
    assert setting.default
    setting.read({setting.name: setting.example})
