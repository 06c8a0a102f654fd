"""What people type and press, however they type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS, parse, pressed
from bot.events import (
    Asker,
    HelpRequested,
    JoinRequested,
    LeaveRequested,
    MoveAnswer,
    MoveAnswered,
    NotUnderstood,
    OfferAnswer,
    OfferAnswered,
    RegisterRequested,
    SessionClaimed,
    SessionDisowned,
    SuspendRequested,
)

ADA = Asker(driver="U0ADA")


@pytest.mark.parametrize("text", ["add", "ev add", "EV  Add", "/ev add", "  add ", "join", "Add!"])
def test_case_spaces_and_a_leading_ev_do_not_matter(text: str) -> None:
    assert parse(text, ADA) == JoinRequested(asker=ADA)


@pytest.mark.parametrize("text", ["", "   ", "ev", "/ev"])
def test_no_words_at_all_are_a_call_for_help(text: str) -> None:
    assert parse(text, ADA) == HelpRequested(asker=ADA)


def test_leave_is_another_word_for_remove() -> None:
    assert parse("leave", ADA) == parse("remove", ADA) == LeaveRequested(asker=ADA)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("suspend", None), ("suspend 45", 45), ("suspend 45 min", 45), ("suspend 1.5m", 1.5)],
)
def test_a_suspension_lasts_so_many_minutes_or_until_resumed(
    text: str, minutes: float | None
) -> None:
    assert parse(text, ADA) == SuspendRequested(asker=ADA, minutes=minutes)


@pytest.mark.parametrize(
    "text", ["suspend 0", "suspend -5", "suspend nan", "suspend 1e9", "suspend x"]
)
def test_a_suspension_that_makes_no_sense_is_answered_with_an_example(text: str) -> None:
    assert parse(text, ADA) == NotUnderstood(asker=ADA, words=text, suggestion="suspend 45")


def test_a_chargepoint_id_is_taken_as_it_is_printed() -> None:
    assert parse("register 171131", ADA) == RegisterRequested(asker=ADA, user="171131")
    assert isinstance(parse("register", ADA), NotUnderstood)
    assert isinstance(parse("register <!channel>", ADA), NotUnderstood)
    assert isinstance(parse(f"register {'1' * 65}", ADA), NotUnderstood)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("remov", "remove"), ("ad", "add"), ("nxt", "next"), ("registr 1", "register 171131")],
)
def test_an_unknown_word_gets_a_suggestion(text: str, suggestion: str) -> None:
    assert parse(text, ADA) == NotUnderstood(asker=ADA, words=text, suggestion=suggestion)


def test_words_that_resemble_nothing_get_none() -> None:
    assert parse("what's for lunch", ADA) == NotUnderstood(asker=ADA, words="what's for lunch")


def test_words_after_a_command_that_takes_none_are_not_swallowed() -> None:
    """Whoever types `remove @grace` must not be removed themselves."""
    assert parse("remove <@U0GRACE>", ADA) == NotUnderstood(
        asker=ADA, words="remove <@U0GRACE>", suggestion="remove"
    )


@given(st.text(max_size=300))
def test_whatever_is_typed_is_some_request(text: str) -> None:
    assert parse(text, ADA).asker == ADA


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words[0])
def test_every_example_in_the_help_works(command: object) -> None:
    example = getattr(command, "example", "")
    assert not isinstance(parse(example, ADA), NotUnderstood)


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("offer.on_my_way", OfferAnswered(asker=ADA, offer=7, answer=OfferAnswer.ON_MY_WAY)),
        ("offer.leave", OfferAnswered(asker=ADA, offer=7, answer=OfferAnswer.LEAVE)),
        ("move.moving_now", MoveAnswered(asker=ADA, session=7, answer=MoveAnswer.MOVING_NOW)),
        ("session.claim", SessionClaimed(asker=ADA, session=7)),
        ("session.disown", SessionDisowned(asker=ADA, session=7)),
    ],
)
def test_a_button_is_a_request(action: str, request_: object) -> None:
    assert pressed(action, "7", ADA) == request_


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("offer.everything", "7"),
        ("session.steal", "7"),
        ("nothing", "7"),
        ("offer.leave", ""),
        ("offer.leave", "seven"),
        ("offer.leave", "\u0667"),
        ("offer.leave", "9" * 19),
    ],
)
def test_a_button_that_is_none_of_ours_is_nothing(action: str, value: str) -> None:
    assert pressed(action, value, ADA) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_button_says_nothing_breaks(action: str, value: str) -> None:
    pressed(action, value, ADA)
