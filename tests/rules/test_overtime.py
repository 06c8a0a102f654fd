"""Rule 8: a car that has been on a port for long."""

from bot.effects import AskToMove, Effect, TellMoveAnswer, UpdateAskToMove
from bot.messages import Reader, render
from bot.replies import NotYourButton, TooLate
from tests.story import ADA, EAST, GRACE, NINE, RULES, WEST, ZONE, Story, name


def asked(effects: tuple[Effect, ...]) -> list[int]:
    """Answer which requests to move these are."""
    return [effect.asked for effect in effects if isinstance(effect, AskToMove)]


def charging() -> Story:
    """Let Ada charge on the only port, and Grace wait."""
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.plugs_in(EAST, "700101")
    story.joins(GRACE)
    return story


def test_8a_a_car_over_two_and_a_half_hours_is_asked_to_move() -> None:
    story = charging()
    assert story.later(hours=2, minutes=29, seconds=59) == ()

    effects = story.later(seconds=1)

    assert effects == (AskToMove(session=1, asked=1, driver=ADA, port=name(EAST), since=NINE),)
    reader = Reader(now=story.now, zone=ZONE, rules=RULES, names={})
    message = render(effects[0], reader)
    assert f"<@{ADA}>" in message.text
    labels = [(each.get("text") or each["placeholder"])["text"] for each in buttons(message.blocks)]
    assert labels == ["Moving now", "15 more minutes", "Can't until …"]


def buttons(
    blocks: tuple[dict[str, list[dict[str, dict[str, str]]]], ...],
) -> list[dict[str, dict[str, str]]]:
    """Answer what can be pressed."""
    return blocks[-1]["elements"]


def test_8b_the_answer_silences_the_next_request_for_that_long() -> None:
    story = charging()
    story.later(minutes=150)

    effects = story.presses(ADA, "15 more minutes", 1, 15)

    at = story.after(minutes=15)
    assert effects == (
        UpdateAskToMove(session=1, asked=1, driver=ADA, port=name(EAST), minutes=15, at=at),
        TellMoveAnswer(driver=GRACE, about=ADA, port=name(EAST), minutes=15, at=at),
    )
    assert asked(story.later(minutes=14, seconds=59)) == []
    assert asked(story.later(seconds=1)) == [2]


def test_8b_cant_until_silences_it_for_longer() -> None:
    story = charging()
    story.later(minutes=150)
    story.presses(ADA, "can't until", 1, 120)

    assert asked(story.later(minutes=119)) == []
    assert asked(story.later(minutes=1)) == [2]


def test_8b_moving_now_gives_the_time_to_do_so() -> None:
    story = charging()
    story.later(minutes=150)
    story.presses(ADA, "moving now", 1, 0)

    assert asked(story.later(minutes=29)) == []
    assert asked(story.later(minutes=1)) == [2]


def test_8b_it_is_passed_on_to_nobody_if_nobody_waits() -> None:
    story = charging()
    story.says(GRACE, "remove")
    story.later(minutes=150)

    effects = story.presses(ADA, "moving now", 1, 0)

    assert [type(effect) for effect in effects] == [UpdateAskToMove]


def test_8b_only_the_cars_driver_can_answer_and_only_what_was_asked() -> None:
    story = charging()

    story.presses(ADA, "moving now", 1, 0)
    assert story.reply() == TooLate()
    story.later(minutes=150)
    story.presses(GRACE, "moving now", 1, 0)
    assert story.reply() == NotYourButton(driver=ADA)


def test_8c_it_repeats_every_half_hour_while_somebody_waits_three_in_all() -> None:
    story = charging()
    story.later(minutes=150)

    assert asked(story.later(minutes=29)) == []
    assert asked(story.later(minutes=1)) == [2]
    assert asked(story.later(minutes=30)) == [3]
    assert asked(story.later(hours=10)) == []


def test_8c_it_does_not_repeat_while_nobody_waits() -> None:
    story = charging()
    story.says(GRACE, "suspend")

    assert asked(story.later(hours=5)) == [1]
    assert asked(story.says(GRACE, "resume")) == [2]


def test_8d_an_unknown_driver_is_asked_for_by_port(story: Story) -> None:
    effects = story.later(minutes=150)

    assert effects == (
        AskToMove(session=1, asked=1, driver=None, port=name(EAST), since=NINE),
        AskToMove(session=2, asked=1, driver=None, port=name(WEST), since=NINE),
    )
    reader = Reader(now=story.now, zone=ZONE, rules=RULES, names={})
    assert "<@" not in render(effects[0], reader).text


def test_8e_the_same_user_back_within_five_minutes_is_the_same_session() -> None:
    """A plug pulled for a moment is no way to start from nought."""
    story = charging()
    story.says(GRACE, "remove")
    story.later(minutes=100)
    story.plugs_out(EAST)
    story.later(minutes=5)

    story.plugs_in(EAST, "700101")

    assert (story.session(EAST).number, story.session(EAST).since) == (1, NINE)
    assert asked(story.later(minutes=45)) == [1]


def test_8e_after_that_it_is_another_one() -> None:
    story = charging()
    story.says(GRACE, "remove")
    story.plugs_out(EAST)
    story.later(minutes=5, seconds=1)

    story.plugs_in(EAST, "700101")

    assert (story.session(EAST).number, story.session(EAST).since) == (2, story.now)


def test_8e_another_user_is_another_session() -> None:
    story = charging()
    story.says(GRACE, "remove")
    story.plugs_out(EAST)

    story.plugs_in(EAST, "700102")

    assert story.session(EAST).number == 2
