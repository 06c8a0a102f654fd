"""Whatever is printed fits on one line and has no secret in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.redaction import hiding, names_secret, one_line, redacted

SECRETS = [
    ("posting with xoxb-1111-2222-aBc failed", "xoxb-1111"),
    ("xoxe.xoxp-1-abc and xapp-1-A0-12-ff", "abc"),
    ("https://hooks.slack.com/commands/T0/1/aBcD was refused", "aBcD"),
    ("wss://wss-primary.slack.com/link/?ticket=aBcD&app_id=1", "aBcD"),
    ("http://127.0.0.1:8080/respond/aBcD", "aBcD"),
    ("https://user:aBcD@example.com", "aBcD"),
    ("Authorization: Bearer aBcD1234", "aBcD"),
    ("'authorization': 'Basic dXNlcjpwYXNz'", "dXNl"),
    ("<wsse:Password Type='…#PasswordText'>aBcD</wsse:Password>", "aBcD"),
    ('{"token": "aBcD", "team_id": "T0"}', "aBcD"),
    ('{"response_url": "aBcD"}', "aBcD"),
    ("grant=1&client_secret=aBcD&x=1", "aBcD"),
    ("WebClient(api_key='aBcD')", "aBcD"),
    ("password: aBcD", "aBcD"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_looks_like_a_secret_goes(text: str, secret: str) -> None:
    """Messages of errors quote what was sent."""
    assert secret not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "the site is at revision 4, not 3",
        "channel_not_found",
        "HQ GARAGE / EAST, port 2",
        "/ev add until 16:00",
        "https://slack.com",
        "",
    ],
)
def test_the_rest_stays(text: str) -> None:
    """A log in which everything is hidden helps nobody."""
    assert redacted(text) == text


def test_of_a_url_the_host_stays() -> None:
    """Who could not be reached is worth knowing."""
    assert redacted("can't reach https://hooks.slack.com/commands/T0: timeout") == (
        "can't reach https://hooks.slack.com/… timeout"
    )


def test_known_secrets_go_whatever_they_look_like() -> None:
    """A password can be a word, and be quoted by a server that refuses it."""
    redact = hiding(["sesame street", "sesame street 7", "abc", ""])

    assert redact("no sesame street 7 here, abc") == "no … here, abc"


@pytest.mark.parametrize(
    "written",
    [
        "a&amp;b&lt;c&gt;d&quot;e&#x27;f\\g h",
        "a&amp;b&lt;c&gt;d\"e'f\\g h",
        "a%26b%3Cc%3Ed%22e%27f%5Cg%20h",
        r"a&b<c>d\"e'f\\g h",
        "a&b<c>d\"e\\'f\\\\g h",
        "YSZiPGM+ZCJlJ2ZcZyBo",
    ],
)
def test_known_secrets_go_however_somebody_wrote_them_down(written: str) -> None:
    """In XML, in a URL, in JSON, as Python shows it, or as HTTP carries it."""
    assert hiding(["a&b<c>d\"e'f\\g h"])(f"<{written}>") == "<…>"


def test_without_secrets_the_looks_decide() -> None:
    """Before settings are read, nothing is known."""
    assert hiding([])("xoxb-1 abc") == "… abc"


@pytest.mark.parametrize("name", ["token", "SLACK_BOT_TOKEN", "apiKey", "response_url", "Password"])
def test_a_secret_is_known_by_its_name(name: str) -> None:
    """Its value may look like anything."""
    assert names_secret(name)


@given(st.text())
def test_a_line_stays_one_line(text: str) -> None:
    """Or a driver's display name could write log lines of its own."""
    line = one_line(text)

    assert line.isprintable()
    assert len(f"{line}x".splitlines()) == 1


@given(st.text(alphabet="a:/?@<>\"'=& xob-1token\n", max_size=60))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """Text passes through here on its way into a trace and out of it."""
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "hostile", ["<", "<password", "a://", "token", "token=", "bearer ", "xoxb-"]
)
def test_a_hostile_text_takes_no_hostile_time(hostile: str) -> None:
    """A log line must not stop the loop."""
    clock = SystemClock()
    before = clock.monotonic()

    redacted(hostile * 5_000)

    assert clock.monotonic() - before < 1
