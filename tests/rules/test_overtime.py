"""Rule 8: a car that has been on a port for long."""

from datetime import timedelta

from bot.effects import (
    AnnouncePluggedIn,
    AskToMove,
    AskWasThatYou,
    Effect,
    TellMoveAnswer,
    TellTookOffered,
    UpdateAskToMove,
)
from bot.messages import Reader, render
from bot.replies import Done, NotYourButton, TooLate
from chargepoint.events import PortStatus, SessionStarted
from tests.story import ADA, ALAN, EAST, GRACE, NINE, RULES, WEST, ZONE, Story, name, reading


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


def test_8b_cant_until_means_the_time_that_stands_in_the_menu() -> None:
    """Whoever reads 12:01 and presses it minutes later means 12:01."""
    story = charging()
    (request,) = story.later(minutes=150)
    story.now += timedelta(seconds=40)
    label, value = first_option(request, story)
    assert label == "12:01"
    story.now += timedelta(minutes=12)

    story.presses(ADA, "can't until", *map(int, value.split("-")))

    at = NINE + timedelta(hours=3, minutes=1)
    assert story.session(EAST).ask_at == at
    assert asked(story.until(at - timedelta(seconds=1))) == []
    assert asked(story.until(at)) == [2]


def test_8b_a_time_that_has_passed_meanwhile_is_no_answer() -> None:
    story = charging()
    (request,) = story.later(minutes=150)
    _, value = first_option(request, story)
    story.later(minutes=30, seconds=1)

    assert story.presses(ADA, "can't until", *map(int, value.split("-"))) == ()
    assert story.reply() == TooLate()


def first_option(request: Effect, story: Story) -> tuple[str, str]:
    """Answer the first time in the menu of a request that is posted now, and its value."""
    reader = Reader(now=story.now, zone=ZONE, rules=RULES, names={})
    option = render(request, reader).blocks[-1]["elements"][2]["options"][0]
    return option["text"]["text"], option["value"]


def test_8b_nobody_stays_longer_than_a_working_day() -> None:
    story = charging()
    story.later(minutes=150)

    story.presses(ADA, "can't until", 1, 10**9)

    assert story.session(EAST).ask_at == story.after(hours=8)


def test_8b_only_another_answer_is_passed_on() -> None:
    """Whoever is next need not hear ten times that somebody moves."""
    story = charging()
    story.later(minutes=150)
    assert told(story.presses(ADA, "moving now", 1, 0)) == [0]
    assert story.reply() is None, "the card says it"
    ask_at = story.session(EAST).ask_at

    for _ in range(10):
        story.later(seconds=54)
        assert story.presses(ADA, "moving now", 1, 0) == ()
        assert story.reply() == Done()
    assert story.session(EAST).ask_at == ask_at

    assert told(story.presses(ADA, "15 more minutes", 1, 15)) == [15]
    story.later(seconds=59)
    assert told(story.presses(ADA, "15 more minutes", 1, 15)) == []
    story.later(seconds=1)
    assert told(story.presses(ADA, "15 more minutes", 1, 15)) == [15]
    assert told(story.presses(ADA, "moving now", 1, 0)) == [0]


def test_8b_the_answer_to_another_request_is_another_answer() -> None:
    story = charging()
    story.later(minutes=150)
    story.presses(ADA, "moving now", 1, 0)
    story.later(minutes=30)

    assert told(story.presses(ADA, "moving now", 1, 0)) == [0]


def told(effects: tuple[Effect, ...]) -> list[int]:
    """Answer in how many minutes the next driver was told that the car moves."""
    return [effect.minutes for effect in effects if isinstance(effect, TellMoveAnswer)]


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


def test_8b_only_the_very_next_driver_is_told() -> None:
    story = charging()
    story.joins(ALAN)
    story.later(minutes=150)

    effects = story.presses(ADA, "moving now", 1, 0)

    assert [effect.driver for effect in effects if isinstance(effect, TellMoveAnswer)] == [GRACE]


def test_8b_a_car_that_has_left_needs_no_answer() -> None:
    story = charging()
    story.later(minutes=150)
    story.plugs_out(EAST)

    assert story.presses(ADA, "moving now", 1, 0) == ()
    assert story.reply() == TooLate()


def test_8e_who_queued_anew_meanwhile_is_off_the_queue_when_they_are_back() -> None:
    story = charging()
    story.plugs_out(EAST)
    assert story.called == [GRACE]
    story.joins(ADA)

    effects = story.plugs_in(EAST, "700101")

    assert effects[:2] == (
        AnnouncePluggedIn(driver=ADA, port=name(EAST)),
        TellTookOffered(driver=ADA, port=name(EAST), called=GRACE),
    )
    assert story.queue == [GRACE]


def test_8e_a_stranger_who_is_back_is_not_asked_for_again() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)

    assert story.plugs_in(EAST, "600001") == ()


def test_8e_unless_the_port_was_offered_meanwhile() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.joins(ADA)
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "600001")

    assert effects[-1] == AskWasThatYou(offer=2, session=1, driver=ADA, port=name(EAST))


def test_8e_who_is_back_goes_by_their_new_number(story: Story) -> None:
    before = story.session(EAST).network_id
    story.plugs_out(EAST)
    story.plugs_in(EAST, "600001")
    after = story.session(EAST).network_id
    assert before is not None
    assert after is not None
    assert before != after

    assert not story.stops(EAST, before).look
    assert story.stops(EAST, after).look


def test_8e_who_is_back_without_a_number_keeps_the_old_one(story: Story) -> None:
    before = story.session(EAST).network_id
    story.plugs_out(EAST)
    story.later(minutes=1)

    story.happens(SessionStarted(station=EAST, port="1", user="600001", started=story.now))

    assert story.session(EAST).network_id == before


def test_8e_that_a_car_is_back_does_not_tell_since_when_it_was_there_before() -> None:
    """It was found plugged in, and the start is that of its coming back."""
    story = Story(stations=())
    story.reads(reading(EAST, PortStatus.INUSE, "600001"))
    found = story.now
    story.later(minutes=30)
    story.plugs_out(EAST)
    story.later(minutes=1)

    story.plugs_in(EAST, "600001")

    session = story.session(EAST)
    assert (session.number, session.since, session.since_known) == (1, found, False)
    assert session.network_id == "4001"


def test_8e_also_where_only_a_reading_shows_that_they_are_back(story: Story) -> None:
    story.plugs_out(EAST)
    story.later(minutes=2)

    story.reads(
        reading(EAST, PortStatus.INUSE, "600001"), reading(WEST, PortStatus.INUSE, "600002")
    )

    assert story.session(EAST).number == 1
