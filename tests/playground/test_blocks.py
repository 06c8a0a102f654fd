"""Block Kit's limits, each met exactly and passed by one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.slack.blocks import message_problems, too_long, view_problems
from playground.slack.rendering import parts

Json = dict[str, Any]


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def marked(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**fields: object) -> Json:
    return {"type": "button", "text": plain(5), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def menu(count: int) -> Json:
    options = [{"text": plain(3), "value": str(n)} for n in range(count)]
    return {"type": "static_select", "placeholder": plain(5), "options": options}


def confirm(title: int, text: int, yes: int) -> Json:
    ask = {"title": plain(title), "text": marked(text), "confirm": plain(yes), "deny": plain(1)}
    return button(confirm=ask)


def option(text: int, value: int) -> Json:
    return {**menu(0), "options": [{"text": plain(text), "value": "x" * value}]}


def overflow(count: int) -> Json:
    return {"type": "overflow", "options": menu(count)["options"]}


def section(**fields: object) -> Json:
    return {"type": "section", **fields}


LIMITS: list[tuple[str, list[Json], list[Json]]] = [
    ("section text", [section(text=marked(3000))], [section(text=marked(3001))]),
    ("empty text", [section(text=marked(1))], [section(text=marked(0))]),
    ("fields", [section(fields=[marked(2000)] * 10)], [section(fields=[marked(1)] * 11)]),
    ("field text", [section(fields=[marked(2000)])], [section(fields=[marked(2001)])]),
    ("text or fields", [section(fields=[marked(1)])], [section()]),
    ("header", [{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}]),
    (
        "header markup",
        [{"type": "header", "text": plain(1)}],
        [{"type": "header", "text": marked(1)}],
    ),
    (
        "context elements",
        [{"type": "context", "elements": [marked(1)] * 10}],
        [{"type": "context", "elements": [marked(1)] * 11}],
    ),
    ("actions", [actions(*[button()] * 25)], [actions(*[button()] * 26)]),
    ("no actions", [actions(button())], [actions()]),
    ("button text", [actions(button(text=plain(75)))], [actions(button(text=plain(76)))]),
    ("button markup", [actions(button(text=plain(1)))], [actions(button(text=marked(1)))]),
    ("button value", [actions(button(value="x" * 2000))], [actions(button(value="x" * 2001))]),
    ("button value kind", [actions(button(value="7"))], [actions(button(value=7))]),
    ("button url", [actions(button(url="x" * 3000))], [actions(button(url="x" * 3001))]),
    ("button style", [actions(button(style="danger"))], [actions(button(style="blue"))]),
    ("action_id", [actions(button(action_id="x" * 255))], [actions(button(action_id="x" * 256))]),
    (
        "one action_id",
        [actions(button(action_id="a"), button(action_id="b"))],
        [actions(button(action_id="a"), button(action_id="a"))],
    ),
    (
        "block_id",
        [{"type": "divider", "block_id": "x" * 255}],
        [{"type": "divider", "block_id": "x" * 256}],
    ),
    (
        "one block_id",
        [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "b"}],
        [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
    ),
    ("confirm title", [actions(confirm(100, 300, 30))], [actions(confirm(101, 300, 30))]),
    ("confirm text", [actions(confirm(100, 300, 30))], [actions(confirm(100, 301, 30))]),
    ("confirm button", [actions(confirm(100, 300, 30))], [actions(confirm(100, 300, 31))]),
    ("menu", [actions(menu(100))], [actions(menu(101))]),
    ("option text", [actions(option(75, 150))], [actions(option(76, 150))]),
    ("option value", [actions(option(75, 150))], [actions(option(75, 151))]),
    ("overflow", [actions(overflow(5))], [actions(overflow(6))]),
    ("blocks", [{"type": "divider"}] * 50, [{"type": "divider"}] * 51),
    (
        "markdown",
        [{"type": "markdown", "text": "x" * 12_000}],
        [{"type": "markdown", "text": "x" * 12_001}],
    ),
    (
        "markdown in all",
        [{"type": "markdown", "text": "x" * 6000}] * 2,
        [{"type": "markdown", "text": "x" * 6001}] * 2,
    ),
    ("unknown kind", [{"type": "divider"}], [{"type": "fireworks"}]),
    ("unknown field", [{"type": "divider"}], [{"type": "divider", "text": plain(1)}]),
    (
        "image text",
        [{"type": "image", "alt_text": "x" * 2000, "image_url": "https://example.com/x"}],
        [{"type": "image", "alt_text": "x" * 2001, "image_url": "https://example.com/x"}],
    ),
    (
        "image source",
        [{"type": "image", "alt_text": "x", "image_url": "https://example.com/x"}],
        [{"type": "image", "alt_text": "x"}],
    ),
    (
        "rich text",
        [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
                ],
            }
        ],
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"text": "x"}]}],
            }
        ],
    ),
]


@pytest.mark.parametrize(("_name", "taken", "refused"), LIMITS, ids=[name for name, *_ in LIMITS])
def test_a_limit_is_met_and_not_passed(_name: str, taken: list[Json], refused: list[Json]) -> None:
    """A queue of thirty has to fit, and the bot has to know what does not."""
    assert message_problems(taken) == []
    assert message_problems(refused) != []


def test_a_problem_names_its_place() -> None:
    """The pointer leads to the culprit, however deep."""
    (problem,) = message_problems([section(text=marked(1)), actions(button(), option(76, 1))])

    assert problem == (
        "[ERROR] must be less than 76 characters "
        "[json-pointer:/blocks/1/elements/1/options/0/text/text]"
    )


def test_a_home_tab_takes_a_hundred_blocks_and_a_modal_needs_a_title() -> None:
    """The Home tab is the live board and may be twice as long as a message."""
    dividers = [{"type": "divider"}]

    assert view_problems({"type": "home", "blocks": dividers * 100}) == []
    assert view_problems({"type": "home", "blocks": dividers * 101}) != []
    assert view_problems({"type": "home", "blocks": [{"type": "markdown", "text": "x"}]}) != []
    assert view_problems({"type": "modal", "title": plain(24), "blocks": dividers}) == []
    assert view_problems({"type": "modal", "title": plain(25), "blocks": dividers}) != []
    assert view_problems({"type": "modal", "blocks": dividers}) != []


def test_the_whole_message_has_a_limit_of_its_own() -> None:
    """Each part may be fine and the whole too long."""
    assert not too_long([section(text=marked(3000))] * 4)
    assert too_long([section(text=marked(3000))] * 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "action_id", "block_id", "fields", "options", "rows"]
            ),
            inner
            | st.sampled_from(
                ["section", "actions", "button", "mrkdwn", "plain_text", "rich_text", "table"]
            ),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_can_break_the_checker(blocks: object) -> None:
    """A stand-in that crashes on a bad message teaches nothing."""
    if message_problems(blocks) == [] and isinstance(blocks, list):
        named = tuple({"block_id": "b", **block} for block in blocks)
        assert list(parts(named, {})) is not None


@pytest.mark.parametrize("taken", [taken for _, taken, _ in LIMITS], ids=[n for n, *_ in LIMITS])
def test_whatever_is_taken_can_be_shown(taken: list[Json]) -> None:
    """The page must never stop at a message that Slack would take."""
    shown = list(parts(tuple({"block_id": "b", **block} for block in taken), {}))

    assert shown
    assert all(part["kind"] for part in shown)
