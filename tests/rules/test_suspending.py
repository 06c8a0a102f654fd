"""Letting others go ahead without losing one's place."""

from datetime import timedelta

from bot.effects import CallDriver, CallOutcome, UpdateCall
from bot.replies import NotInQueue, Resumed, Suspended, WasNotSuspended
from queue_store.site import Because
from tests.story import ADA, EAST, GRACE, WEST, Story, name


def test_c16_suspend_keeps_the_place_and_lets_the_one_behind_go_ahead(story: Story) -> None:
    story.joins(ADA, GRACE)

    assert story.asks(ADA, "suspend") == Suspended(driver=ADA, position=1)

    story.plugs_out(EAST)
    assert story.called == [GRACE]
    assert story.queue == [ADA, GRACE]


def test_c16_it_lasts_until_the_driver_resumes(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")

    story.later(hours=5)
    assert story.entry(ADA).suspended is Because.ASKED

    assert story.asks(ADA, "resume") == Resumed(driver=ADA, position=1)
    assert story.entry(ADA).suspended is None


def test_c16_only_who_waits_can_suspend(story: Story) -> None:
    assert story.asks(ADA, "suspend") == NotInQueue()
    assert story.asks(ADA, "resume") == NotInQueue()


def test_c17_suspend_45_resumes_by_itself_after_45_minutes(story: Story) -> None:
    story.joins(ADA)
    reply = story.asks(ADA, "suspend 45")
    assert reply == Suspended(driver=ADA, position=1, resumes=story.after(minutes=45))
    assert story.wakeup == story.after(minutes=45)
    story.plugs_out(EAST)

    story.later(minutes=44, seconds=59)
    assert story.called == []
    story.later(seconds=1)
    assert story.called == [ADA]


def test_c18_suspend_with_an_offer_is_as_not_now(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    effects = story.says(ADA, "suspend")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.NOT_NOW),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )
    assert story.entry(ADA).suspended is Because.NOT_NOW
    assert story.entry(ADA).resumes == story.after(minutes=30)


def test_c18_with_minutes_it_lasts_so_long(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)

    story.says(ADA, "suspend 45")

    assert story.entry(ADA).resumes == story.after(minutes=45)


def test_c19_resume_is_back_at_the_same_place(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.says(ADA, "suspend")

    assert story.asks(ADA, "resume") == Resumed(driver=ADA, position=1)

    story.plugs_out(EAST)
    assert story.called == [ADA]
    assert story.asks(ADA, "resume") == WasNotSuspended(position=1)


def test_c19_resume_recalls_no_offer_already_made(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.says(ADA, "suspend")
    story.plugs_out(EAST)

    story.says(ADA, "resume")
    assert story.called == [GRACE]

    story.plugs_out(WEST)
    assert story.called == [GRACE, ADA]


def test_13a_a_timed_suspension_ends_by_itself_and_says_nothing(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend 30")

    assert story.later(minutes=30) == ()
    assert story.entry(ADA).suspended is None
    assert story.entry(ADA).joined == story.now - timedelta(minutes=30)


def test_c19_who_resumes_early_is_as_if_they_had_never_been_suspended(story: Story) -> None:
    story.joins(ADA)
    before = story.entry(ADA)
    story.says(ADA, "suspend 45")

    story.says(ADA, "resume")

    assert story.entry(ADA) == before
