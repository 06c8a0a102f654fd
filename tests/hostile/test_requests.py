"""Real requests with anything changed in them, signed, through the whole of the bot."""

import json
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS
from playground.slack import payloads
from tests.bot.office import ADA, GRACE, Bot, until
from tests.bot.wire import FORM, JSON, command, interactive, mention, message, press, send
from tests.hostile.test_rights import decided
from tests.mutations import changed

in_one_bot = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

SCRAPS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=4,
) | st.sampled_from(
    ["U0ADA", "T0OTHER", "E0ORG", "message", "block_actions", "9" * 5000, "<!here>"]
)

REAL: tuple[dict[str, Any], ...] = (
    dict(parse_qsl(command())),
    dict(parse_qsl(command(text="remove"))),
    press("queue.rejoin", "0"),
    press("offer.leave", "1", by=GRACE),
    press("forget.confirm", "0"),
    message("ev add"),
    message("ev suspend 45"),
    mention("add"),
    payloads.event(payloads.home_opened(ADA, "home", None, "1764230000.000100")),
)

WORDS = (
    *(word for each in COMMANDS for example in each.examples for word in example.split()),
    *(
        "ev",
        "/ev",
        "<@U0ADA>",
        "<@U0ADA|ada>",
        "<!channel>",
        "-1",
        "99999",
        "NaN",
        "24:00",
        "\u202e",
    ),
)

numbers = count()


def written(payload: dict[str, Any]) -> tuple[str, str]:
    """Write a payload as its kind is written, named anew, and answer it with its content type."""
    if "command" in payload:
        named = {**payload, "trigger_id": payload.get("trigger_id") and f"t{next(numbers)}"}
        return urlencode({name: _flat(value) for name, value in named.items()}), FORM
    if "actions" in payload or payload.get("type") == "block_actions":
        named = {**payload, "trigger_id": payload.get("trigger_id") and f"t{next(numbers)}"}
        return interactive(named), FORM
    return json.dumps(payload), JSON


def _flat(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@in_one_bot
@given(
    payload=st.sampled_from(REAL),
    changes=st.lists(st.tuples(st.integers(0, 60), SCRAPS), max_size=3),
)
async def test_no_request_whatever_does_more_than_be_refused(
    bot: Bot,
    caplog: pytest.LogCaptureFixture,
    payload: dict[str, Any],
    changes: list[tuple[int, Any]],
) -> None:
    """Nothing is changed by what is refused, and nobody finds a stack trace in the log."""
    for place, scrap in changes:
        payload = changed(payload, place, scrap)
    body, kind = written(payload)
    before = decided(await bot.site())

    status, said = await send(bot, body, kind=kind)

    await until(bot.is_idle)
    assert status == HTTPStatus.OK or status in range(400, 500), said
    if status != HTTPStatus.OK:
        assert decided(await bot.site()) == before
    assert [record for record in caplog.records if record.exc_info] == []


@in_one_bot
@given(words=st.text(max_size=300) | st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join))
async def test_whatever_is_typed_is_answered(
    bot: Bot, caplog: pytest.LogCaptureFixture, words: str
) -> None:
    body = command(text=words or " ", user_id=GRACE, trigger_id=f"t{next(numbers)}")

    status, said = await send(bot, body)

    assert status == HTTPStatus.OK
    assert json.loads(said)["text"].strip()
    assert "went wrong" not in said
    assert [record for record in caplog.records if record.exc_info] == []
