"""Whatever people and stations are called, a message says and does what it would say anyway."""

from collections.abc import Callable, Iterable
from enum import Enum
from itertools import groupby
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from bot.blocks import Message
from bot.commands import parse
from bot.effects import NAMING_A_DRIVER, Effect, drivers_in
from bot.events import Asker, PauseRequested
from bot.harmless import LONGEST, as_typed, harmless
from bot.messages import Reader, answer, render, store_unavailable, trouble, unconfirmed
from bot.replies import Reply
from bot.rules import Rules
from playground.slack.blocks import message_problems, too_long
from playground.slack.mrkdwn import Span, spans
from tests.story import NINE, ZONE
from tests.strategies import structs

ASKER = Asker(driver="U0ADA")
PEOPLE = {*NAMING_A_DRIVER, "plugged_in"}
HOSTILE = (
    "<!channel>",
    "<!here|here>",
    "<!subteam^S0ADMINS>",
    "<@U0EVE>",
    "<#C0EVROOM>",
    "<https://evil.example|click here>",
    "https://evil.example/",
    "mailto:eve@evil.example",
    "@channel",
    "*bold* _italic_ ~gone~ `code` ```pre```",
    "*",
    "_",
    "~",
    "`",
    "* *",
    ">>> everything after this",
    "> said by somebody",
    "&lt;!channel&gt; &amp;lt;",
    "\n\n*Queue*\n1. Eve",
    "\r\n\x0b\x0c\x1c\x85\u2028\u2029",
    "\u202e\u2066\u200f\u200b\ufeff",
    "<!date^0^{date}|now>",
    "a|b>c",
    ":rotating_light:",
    "9" * 200,
    "W" * 3000,
    "\ud800",
    "\x00",
)

hostile = st.sampled_from(HOSTILE) | st.text(max_size=100)
effects_and_replies = st.sampled_from([*get_args(Effect), *get_args(Reply)]).flatmap(structs)


@given(value=effects_and_replies, name=hostile, known=st.booleans())
def test_a_name_lays_out_nothing_and_calls_nobody(
    value: Effect | Reply, name: str, *, known: bool
) -> None:
    """A message with hostile names is built like the same message with dull ones."""
    dull = renamed(value, dull_name(known=known))
    loud = renamed(dull, lambda field, text: text if field in PEOPLE and known else name + text)

    expected, shown = words_of(dull, ""), words_of(loud, name)

    assert structure(shown) == structure(expected)
    # Slack makes links of what looks like one, unless it is told to take words as they are.
    assert all(block["text"]["verbatim"] for block in shown.blocks if "text" in block)
    assert message_problems(list(shown.blocks)) == []
    assert not too_long(list(shown.blocks))


@given(words=hostile)
def test_what_was_typed_is_repeated_without_effect(words: str) -> None:
    for say in (unconfirmed, store_unavailable, trouble):
        assert structure(say(words)) == structure(say("x"))


@given(words=hostile)
def test_a_name_is_short_visible_and_can_be_typed_back(words: str) -> None:
    """What is shown instead of a sign looks like it, and means it when it is copied."""
    shown = harmless(words)

    unescaped = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert len(unescaped) <= LONGEST
    assert shown.isprintable()
    plain = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    assert as_typed(unescaped) == as_typed(plain[:LONGEST])


def test_a_copied_name_is_understood() -> None:
    shown = harmless("*EAST_1* `~2`")

    assert parse(f"pause {shown}", ASKER) == PauseRequested(asker=ASKER, port="*EAST_1* `~2`")


def test_letters_keep_the_signs_between_them() -> None:
    """Most names with an underscore are harmless as they are."""
    assert harmless("LEVEL_2_EAST 3*4") == "LEVEL_2_EAST 3*4"


def test_who_is_called_nothing_that_can_be_seen_goes_by_their_id() -> None:
    reader = Reader(now=NINE, zone=ZONE, rules=Rules(), names={"U0EVE": "\u200b\u2060 "})

    assert reader.name("U0EVE") == "U0EVE"


Rename = Callable[[str, str], str]


def renamed(value: Any, rename: Rename, field: str = "") -> Any:  # noqa: ANN401 - of any type
    """Answer the value with every text in it renamed; `rename` is told its field."""
    match value:
        case Enum():
            return value
        case str():
            return rename(field, value)
        case tuple():
            return tuple(renamed(each, rename, field) for each in value)
        case Struct():
            names = value.__struct_fields__
            return replace(value, **{n: renamed(getattr(value, n), rename, n) for n in names})
    return value


def dull_name(*, known: bool) -> Rename:
    """Answer how to name things so that nothing can come of it."""

    def rename(field: str, text: str) -> str:
        name = text.encode(errors="replace").hex()[:6]
        return f"U0{name}".upper() if field in PEOPLE and known else f"x{name}"

    return rename


def words_of(value: Effect | Reply, name: str) -> Message:
    """Put it into words for an office where everybody, and the office, is called so."""
    names = {driver: f"{name}{driver.lower()}" for driver in drivers_in(value)}
    reader = Reader(now=NINE, zone=ZONE, rules=Rules(site=f"{name}x"), names=names)
    if isinstance(value, Effect):
        return render(value, reader)
    return answer(value, reader)


def structure(message: Message) -> list[list[tuple[object, ...]]]:
    """Answer what Slack makes of a message, but for the words."""
    texts = [message.text, *(block["text"]["text"] for block in message.blocks if "text" in block)]
    return [
        [(text.count("\n"), text.startswith("&gt;")), *_merged(map(_looks, spans(text)))]
        for text in texts
    ]


def _looks(span: Span) -> tuple[object, ...]:
    return (span.marks, span.mention, span.to_all, span.url, span.date, span.unix)


def _merged(looks: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [each for each, _ in groupby(looks)]
