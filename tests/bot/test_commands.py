"""What people type and press, however they type it."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS, Command, parse, pressed
from bot.events import (
    Asker,
    ClaimUndone,
    DisputeDecided,
    ForgetConfirmed,
    ForgetRequested,
    HelpRequested,
    IdentityAnswered,
    JoinRequested,
    LeaveRequested,
    MoveAnswered,
    NotMine,
    NotUnderstood,
    OfferAnswer,
    OfferAnswered,
    PauseRequested,
    RegisterRequested,
    RemoveRequested,
    SessionClaimed,
    SessionDisowned,
    SmallTalk,
    SmallTalked,
    SuspendRequested,
    UnpauseRequested,
    WhyRequested,
)

ADA = Asker(driver="U0ADA")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("add until 16:00", time(16)),
        ("ADD UNTIL 16.30", time(16, 30)),
        ("add till 4pm", time(16)),
        ("add until 4:30 p.m.", time(16, 30)),
        ("add until 12am", time(0)),
        ("add until 12 pm", time(12)),
        ("add until 9", time(9)),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, until: time) -> None:
    assert parse(text, ADA) == JoinRequested(asker=ADA, until=until)


@pytest.mark.parametrize("until", ["", " 25:00", " 16:60", " 13pm", " 0am", " tea", " -1", " 16:0"])
def test_a_time_that_is_none_is_answered_with_an_example(until: str) -> None:
    """Whoever can't be understood must not be in the queue until midnight."""
    text = f"add until{until}"

    assert parse(text, ADA) == NotUnderstood(asker=ADA, words=text, suggestion="add")


@pytest.mark.parametrize("mentioned", ["<@U0GRACE>", "<@U0GRACE|grace>"])
def test_remove_takes_a_mention(mentioned: str) -> None:
    assert parse(f"remove {mentioned}", ADA) == RemoveRequested(asker=ADA, driver="U0GRACE")


@pytest.mark.parametrize("rest", ["@grace", "grace", "<@U0GRACE> <@U0ALAN>", "<!channel>"])
def test_whoever_names_another_is_not_removed_themselves(rest: str) -> None:
    read = parse(f"remove {rest}", ADA)

    assert read == NotUnderstood(asker=ADA, words=f"remove {rest}", suggestion="remove")


def test_a_port_is_named_in_any_words() -> None:
    assert parse("pause HQ  East 1", ADA) == PauseRequested(asker=ADA, port="HQ East 1")
    assert parse("unpause east", ADA) == UnpauseRequested(asker=ADA, port="east")
    assert isinstance(parse("pause", ADA), NotUnderstood)
    assert isinstance(parse("unpause", ADA), NotUnderstood)


def test_only_forget_me_forgets() -> None:
    assert parse("Forget ME", ADA) == ForgetRequested(asker=ADA)
    assert isinstance(parse("forget", ADA), NotUnderstood)
    assert isinstance(parse("forget it", ADA), NotUnderstood)


@pytest.mark.parametrize("text", ["why", "am I next?", "when will I get a charger"])
def test_a_question_about_the_own_place_is_why(text: str) -> None:
    assert parse(text, ADA) == WhyRequested(asker=ADA)


@pytest.mark.parametrize(
    ("text", "talk"),
    [("thanks!", SmallTalk.THANKS), ("Thank you", SmallTalk.THANKS), ("Hi!", SmallTalk.HELLO)],
)
def test_friendly_words_are_small_talk(text: str, talk: SmallTalk) -> None:
    assert parse(text, ADA) == SmallTalked(asker=ADA, talk=talk)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_some_request(text: str) -> None:
    assert parse(text, ADA).asker == ADA


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words[0])
def test_every_example_in_the_help_works(command: Command) -> None:
    for example in command.examples:
        typed = example.replace("@driver", "<@U0GRACE>")
        assert not isinstance(parse(typed, ADA), NotUnderstood)


@pytest.mark.parametrize(
    ("action", "value", "request_"),
    [
        ("offer.on_my_way", "7", OfferAnswered(asker=ADA, offer=7, answer=OfferAnswer.ON_MY_WAY)),
        ("offer.leave", "7", OfferAnswered(asker=ADA, offer=7, answer=OfferAnswer.LEAVE)),
        ("move.now", "7-0", MoveAnswered(asker=ADA, session=7, minutes=0)),
        ("move.later", "7-15", MoveAnswered(asker=ADA, session=7, minutes=15)),
        ("move.until", "7-29923920", MoveAnswered(asker=ADA, session=7, until=NOON)),
        ("was.mine", "3-7", IdentityAnswered(asker=ADA, offer=3, session=7, mine=True)),
        ("was.not_mine", "3-7", IdentityAnswered(asker=ADA, offer=3, session=7, mine=False)),
        ("session.claim", "7", SessionClaimed(asker=ADA, session=7)),
        ("session.disown", "7", SessionDisowned(asker=ADA, session=7)),
        ("session.undo", "7", ClaimUndone(asker=ADA, session=7)),
        ("session.not_mine", "7", NotMine(asker=ADA, session=7)),
        ("dispute.grant", "7", DisputeDecided(asker=ADA, dispute=7, granted=True)),
        ("dispute.deny", "7", DisputeDecided(asker=ADA, dispute=7, granted=False)),
        ("queue.rejoin", "0", JoinRequested(asker=ADA)),
        ("forget.confirm", "0", ForgetConfirmed(asker=ADA)),
    ],
)
def test_a_button_is_a_request(action: str, value: str, request_: object) -> None:
    assert pressed(action, value, ADA) == request_


def test_nobody_stays_for_ever_by_a_forged_button() -> None:
    """Nor does the calendar end before the button's number does."""
    for button in ("move.later", "move.until"):
        request = pressed(button, f"7-{10**17}", ADA)

        assert isinstance(request, MoveAnswered)
        assert (request.until or NOON + timedelta(minutes=request.minutes)).year < 4000


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
