"""Slack's markup, from what people type to what they see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.people import OFFICE
from playground.slack.mrkdwn import Span, escaped, mentioned, pings_all, spans, typed


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ("plain", [Span(text="plain")]),
        ("*b* _i_ ~s~", [
            Span(text="b", marks=("bold",)), Span(text=" "),
            Span(text="i", marks=("italic",)), Span(text=" "),
            Span(text="s", marks=("strike",)),
        ]),
        ("*_both_*", [Span(text="both", marks=("bold", "italic"))]),
        ("`*raw*`", [Span(text="*raw*", marks=("code",))]),
        ("```a\nb```", [Span(text="a\nb", marks=("pre",))]),
        ("2 * 3 * 4", [Span(text="2 * 3 * 4")]),
        ("snake_case_name", [Span(text="snake_case_name")]),
        ("&lt;b&gt; &amp;amp;", [Span(text="<b> &amp;")]),
        ("<@U0ADA>", [Span(text="@U0ADA", mention="U0ADA")]),
        ("*<@U0ADA>*", [Span(text="@U0ADA", mention="U0ADA", marks=("bold",))]),
        ("<!channel>", [Span(text="@channel", to_all=True)]),
        ("<#C0EVROOM|ev-charging>", [Span(text="#ev-charging")]),
        ("<https://example.com/?a=1&amp;b=2|here>", [
            Span(text="here", url="https://example.com/?a=1&b=2"),
        ]),
        ("<javascript:alert(1)|here>", [Span(text="<javascript:alert(1)>")]),
        ("<!date^1731925043^{time}|noon>", [Span(text="noon", date="{time}", unix=1731925043)]),
        ("<!date^soon^{time}|noon>", [Span(text="noon")]),
        (":zap: :nonesuch:", [Span(text="⚡ :nonesuch:")]),
    ],
)  # fmt: skip
def test_markup_is_shown_as_slack_shows_it(wire: str, shown: list[Span]) -> None:
    """What looks right here looks right in the office."""
    assert list(spans(wire)) == shown


def test_a_mention_is_typed_by_name_and_sent_by_id() -> None:
    """With should_escape on, a command carries IDs that no name can fake."""
    said = "@Grace, @Ada Lovelace & <@U0ALAN>? mail a@grace.example"

    assert typed(said, OFFICE, labels=True) == (
        "<@U0GRACE|grace>, <@U0ADA|ada> &amp; &lt;@U0ALAN&gt;? mail a@grace.example"
    )
    assert mentioned(typed(said, OFFICE, labels=False)) == ("U0GRACE", "U0ADA")


@pytest.mark.parametrize("text", ["<!channel>", "<!here>", "<!everyone>", "<!here|here>"])
def test_the_dreaded_ping_is_noticed(text: str) -> None:
    """A bot that wakes everybody is uninstalled."""
    assert pings_all(f"hello {text}")
    assert not pings_all(escaped(f"hello {text}"))


@given(st.text(st.characters(exclude_characters="*_~`:"), max_size=200))
def test_escaped_text_is_shown_as_it_was_written(text: str) -> None:
    """Escaping is all that stands between a name and a forged link."""
    shown = list(spans(escaped(text)))

    assert "".join(span.text for span in shown) == text
    assert all(span == Span(text=span.text) for span in shown)


@given(st.text("<>@!|^*_~`&;#:{}\nab1 ", max_size=300))
def test_no_markup_is_too_odd_to_be_shown(text: str) -> None:
    """The page must not stop at a message."""
    assert all(span.url is None for span in spans(text))


def test_a_wall_of_stars_is_read_in_time() -> None:
    """Nobody may stop the page with a silly message."""
    assert list(spans("* *" * 13_000))
