"""What is let in: requests in a shape that is known, of our workspace, by people of it."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.request.async_request import AsyncBoltRequest

from bot import gate
from bot.gate import Ours, Unfit
from playground.slack.workspace import APP, TEAM
from tests.bot.wire import FORM, JSON, command, mention, message, press
from tests.mutations import changed

OURS = Ours(team=TEAM, app=APP)
ORGANISATION = "E0ORG"


def refusal(body: str, kind: str = FORM) -> HTTPStatus:
    """Answer with what a body is refused."""
    with pytest.raises(Unfit) as unfit:
        gate.request(gate.fields(body, kind), delivery="v0=1")
    return unfit.value.status


def stranger(payload: dict[str, Any]) -> str | None:
    """Answer why a request that is fit is refused all the same."""
    fit = json.loads(gate.request(payload, delivery="v0=1"))
    return gate.stranger(fit, OURS)


def slash(**changed: str) -> dict[str, Any]:
    """Answer the fields of a command."""
    return dict(parse_qsl(command(**changed)))


def nested(depth: int) -> list[Any]:
    """Answer lists within lists."""
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "payload",
    [slash(), press("queue.rejoin", "0"), message("ev add"), mention("add")],
    ids=["command", "press", "message", "mention"],
)
def test_what_slack_brings_is_let_in_as_it_is(payload: dict[str, Any]) -> None:
    fit = json.loads(gate.request(payload, delivery="v0=1"))

    assert gate.stranger(fit, OURS) is None
    assert {name: fit[name] for name in payload} == payload


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (command() + "&text=remove", FORM),
        (command() + "%FF", FORM),
        ("payload=%7B%7D&payload=%7B%7D", FORM),
        ("text=add&command", FORM),
        ("command=%FF%FE", FORM),
        ("payload=%7B", FORM),
        ("payload=[]", FORM),
        ("&".join(f"f{n}=1" for n in range(gate.MOST_FIELDS + 1)), FORM),
        ("", FORM),
        ("{", JSON),
        ("null", JSON),
        ("[]", JSON),
        ('"text"', JSON),
        ('{"type": NaN}', JSON),
        ('{"x": "\\ud800"}', JSON),
        ('{"x":' * 99 + "1" + "}" * 99, JSON),
        ('{"x":' * 5000 + "1" + "}" * 5000, JSON),
        (json.dumps(message("ev add", blocks=nested(gate.DEEPEST))), JSON),
        ("[" * 500_000, JSON),
        (f'{{"x": {"9" * 5000}}}', JSON),
    ],
)
def test_a_body_that_is_not_what_it_says_is_a_bad_request(body: str, kind: str) -> None:
    """Two parsers that read one body apart are how requests are smuggled."""
    assert refusal(body, kind) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/xml", ""])
def test_what_is_neither_a_form_nor_json_is_not_read(kind: str) -> None:
    assert refusal(command(), kind) == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "view_submission", "view": {}},
        {"type": "shortcut", "callback_id": "x"},
        {"type": "url_verification"},
        {"type": "block_actions"},
        {"type": "event_callback"},
        {"type": "event_callback", "event": {}},
        {"type": "event_callback", "event": []},
        {"type": {}, "event": {"type": "message"}},
        slash(user_id=""),
        slash(channel_id=""),
        slash(user_id="ada"),
        slash(user_id="U0ADA\n"),
        slash(user_id="U0ADA> <!channel"),
        slash(trigger_id="1" * 151),
        {**slash(), "text": ["add"]},
        press("queue.rejoin", "0", user=None),
        press("queue.rejoin", "0", user="U0ADA"),
        press("queue.rejoin", "0", user={"name": "ada"}),
        press("queue.rejoin", "0", actions=[]),
        press("queue.rejoin", "0", actions=[None]),
        press("queue.rejoin", "0", actions=[{"value": "0"}]),
        press("queue.rejoin", "0", actions=[{"action_id": "queue.rejoin", "value": 0}]),
        press("queue.rejoin", "0", actions=[{"action_id": "x", "selected_option": "0"}]),
        press("queue.rejoin", "0", view=7),
        message("ev add", ts=None),
        message("ev add", ts=1764230000.0001),
        message("ev add", channel=None),
        message("ev add", channel={"id": "C1"}),
        message("ev add", user="nobody"),
        message("ev add", subtype=7),
        {**message("ev add"), "authorizations": [None]},
        {**message("ev add"), "authorizations": "T0"},
    ],
    ids=repr,
)
def test_what_lacks_a_field_or_has_another_in_its_place_is_refused(payload: dict[str, Any]) -> None:
    """Behind the gate nobody asks whether a field is there."""
    with pytest.raises(Unfit):
        gate.request(payload, delivery="v0=1")


@pytest.mark.parametrize(
    ("url", "fit"),
    [
        ("https://hooks.slack.com/commands/T0/1/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://localhost:9/x", True),
        ("http://hooks.slack.com/commands/T0/1/x", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("//hooks.slack.com", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_answers_go_over_tls_or_stay_on_this_machine(url: str, *, fit: bool) -> None:
    payload = {**slash(), "response_url": url}
    if fit:
        assert gate.request(payload, delivery="v0=1")
    else:
        with pytest.raises(Unfit, match="https"):
            gate.request(payload, delivery="v0=1")


def test_a_request_is_known_by_its_trigger_else_by_its_delivery() -> None:
    """By that name it is recognised when it comes again."""

    def name(payload: dict[str, Any], delivery: str) -> str:
        return str(json.loads(gate.request(payload, delivery=delivery))["trigger_id"])

    nameless = slash(trigger_id="")
    assert name(slash(), "v0=1") == name(slash(), "v0=2") == "1.2.3"
    assert name(nameless, "v0=1") == name(nameless, "v0=1") != name(nameless, "v0=2")
    assert name({**nameless, "trigger_id": None}, "v0=1") == name(nameless, "v0=1")


ELSEWHERE: dict[str, dict[str, Any]] = {
    "a command of another workspace": slash(team_id="T0OTHER"),
    "a command of no workspace": slash(team_id=""),
    "a command of a whole organisation": slash(is_enterprise_install="true"),
    "a command to another app": slash(api_app_id="A0OTHER"),
    "a press in another workspace": press("queue.rejoin", "0", team={"id": "T0OTHER"}),
    "a press in no workspace": press("queue.rejoin", "0", team=None),
    "a press in a whole organisation": press("queue.rejoin", "0", is_enterprise_install=True),
    "a press on another app's button": press("queue.rejoin", "0", api_app_id="A0OTHER"),
    "a press by somebody from elsewhere": press(
        "queue.rejoin", "0", user={"id": "U0EVE", "team_id": "T0OTHER"}
    ),
    "a press by a stranger": press(
        "queue.rejoin", "0", user={"id": "U0EVE", "team_id": TEAM, "is_stranger": True}
    ),
    "an event of another workspace": {
        **message("ev add"),
        "authorizations": [{"team_id": "T0OTHER", "is_enterprise_install": False}],
    },
    "an event of another workspace, unauthorized": {
        **message("ev add"),
        "team_id": "T0OTHER",
        "authorizations": None,
    },
    "an event of a whole organisation": {
        **message("ev add"),
        "authorizations": [{"team_id": TEAM, "is_enterprise_install": True}],
    },
    "an event for another app": {**message("ev add"), "api_app_id": "A0OTHER"},
    "words from another workspace": message("ev add", team="T0OTHER"),
    "words from a user of another workspace": message("ev add", user_team="T0OTHER"),
    "words whose source is another workspace": message("ev add", source_team="T0OTHER"),
    "words from another organisation": message("ev add", user_team="E0OTHER"),
    "a mention from another workspace": mention("add", team="T0OTHER"),
    "words from who knows where": {
        **message("ev add", team=None),
        "is_ext_shared_channel": True,
    },
}


@pytest.mark.parametrize("who", ELSEWHERE)
def test_other_workspaces_and_their_people_are_strangers(who: str) -> None:
    """A room can be shared with a partner, whose people have chargers of their own."""
    assert stranger(ELSEWHERE[who]) is not None


def test_an_event_is_ours_by_whom_it_is_told_to() -> None:
    """In a channel that another workspace hosts, the event's own team is the other one."""
    ours = {**message("ev add"), "team_id": "T0OTHER", "is_ext_shared_channel": True}

    assert stranger(ours) is None


def test_an_organisations_own_people_are_known_by_it() -> None:
    """Slack names the organisation where a workspace belongs to one."""
    told_to = [{"team_id": TEAM, "enterprise_id": ORGANISATION, "is_enterprise_install": False}]
    ours = {**message("ev add", user_team=ORGANISATION), "authorizations": told_to}

    assert stranger(ours) is None


def test_where_the_app_is_not_known_by_name_its_workspace_decides() -> None:
    fit = json.loads(gate.request(slash(api_app_id="A0OTHER"), delivery="v0=1"))

    assert gate.stranger(fit, Ours(team=TEAM)) is None


SCRAPS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(body=st.text() | SCRAPS.map(json.dumps), kind=st.sampled_from([FORM, JSON]))
def test_no_body_whatever_does_more_than_be_unfit(body: str, kind: str) -> None:
    """What is signed is Slack's, and Slack may change."""
    try:
        gate.request(gate.fields(body, kind), delivery="v0=1")
    except Unfit as unfit:
        assert 400 <= unfit.status < 500  # noqa: PT017 - either outcome is right, nothing else is


REAL = [slash(), press("queue.rejoin", "0"), message("ev add"), mention("add")]


@given(
    payload=st.sampled_from(REAL),
    changes=st.lists(st.tuples(st.integers(0, 40), SCRAPS), max_size=4),
)
def test_no_change_to_a_real_request_does_more_than_be_unfit(
    payload: dict[str, Any], changes: list[tuple[int, Any]]
) -> None:
    """Neither here nor in Bolt, which takes the request apart before anybody can object."""
    for place, scrap in changes:
        payload = changed(payload, place, scrap)
    try:
        fit = gate.request(payload, delivery="v0=1")
    except Unfit:
        return
    asked = AsyncBoltRequest(body=fit, headers={"content-type": JSON})
    gate.stranger(asked.body, OURS)
