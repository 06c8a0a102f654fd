"""`ev next`, which calls out the next driver."""

from bot.effects import CallDriver, CallOutcome, TellPassedOver, UpdateCall
from bot.replies import NobodyWaiting, NothingFree, PassedOver, TooEarlyToPass
from chargepoint.events import PortStatus
from queue_store.site import Because
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, WEST, Story, name, reading


def test_c20_with_a_free_port_the_offer_was_made_before_anybody_asked(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")
    story.plugs_out(EAST)

    assert story.says(ADA, "resume") == (CallDriver(offer=3, driver=ADA, port=name(EAST)),)


def test_c20_with_nobody_waiting_it_says_what_is_free(story: Story) -> None:
    story.plugs_out(EAST)

    assert story.asks(ADA, "next") == NobodyWaiting(ports=(name(EAST),), suspended=0)


def test_c20_it_says_how_many_are_suspended(story: Story) -> None:
    story.joins(GRACE)
    story.says(GRACE, "suspend")
    story.plugs_out(EAST)

    assert story.asks(ADA, "next") == NobodyWaiting(ports=(name(EAST),), suspended=1)


def test_c21_who_has_not_come_is_passed_over_without_a_miss(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.later(minutes=5)

    effects = story.says(HEDY, "next")

    resumes = story.after(minutes=30)
    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.PASSED_OVER),
        TellPassedOver(driver=ADA, by=HEDY, resumes=resumes),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )
    assert story.reply() == PassedOver(driver=ADA, by=HEDY, port=name(EAST))
    assert story.queue == [ADA, GRACE]
    assert story.entry(ADA).suspended is Because.PASSED_OVER
    assert story.entry(ADA).resumes == resumes
    assert story.site.misses == {}


def test_c22_in_the_first_half_only_the_driver_or_an_admin_can(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.later(minutes=4, seconds=59)

    assert story.asks(GRACE, "next") == TooEarlyToPass(driver=ADA, port=name(EAST))
    assert story.called == [ADA]

    story.later(seconds=1)
    assert isinstance(story.asks(GRACE, "next"), PassedOver)
    assert story.called == [GRACE]


def test_c22_the_driver_and_an_admin_can_at_any_time(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    assert isinstance(story.asks(ADA, "next"), PassedOver)
    assert isinstance(story.asks(HEDY, "next", admin=True), PassedOver)


def test_c22_the_half_of_an_accepted_offer_is_longer(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.presses(ADA, "on my way")

    story.later(minutes=7, seconds=29)
    assert isinstance(story.asks(GRACE, "next"), TooEarlyToPass)
    story.later(seconds=1)
    assert isinstance(story.asks(GRACE, "next"), PassedOver)


def test_c22_it_is_early_while_the_call_was_not_posted(story: Story) -> None:
    story.posts = False
    story.joins(ADA)
    story.plugs_out(EAST)
    story.later(minutes=30)

    assert isinstance(story.asks(GRACE, "next"), TooEarlyToPass)


def test_c23_of_several_called_the_one_called_longest_ago_is_passed_over(story: Story) -> None:
    story.joins(ADA, GRACE, ALAN)
    story.plugs_out(WEST)
    story.later(minutes=1)
    story.plugs_out(EAST)
    story.later(minutes=5)

    story.says(HEDY, "next")

    assert story.called == [GRACE, ALAN]


def test_c24_with_no_free_port_it_says_which_car_has_been_on_longest(story: Story) -> None:
    story.registers(ALAN, "600001")
    story.later(minutes=30)
    story.plugs_out(WEST)
    story.plugs_in(WEST, "600003")

    assert story.asks(ADA, "next") == NothingFree(
        port=name(EAST), driver=ALAN, since=NINE, since_known=True
    )


def test_c24_of_two_that_came_together_it_names_one(story: Story) -> None:
    """Two cars that came in the same second are no reason to fail."""
    reply = story.asks(ADA, "next")

    assert reply == NothingFree(port=name(EAST), driver=None, since=NINE, since_known=True)


def test_c24_it_says_at_least_where_the_start_is_not_known() -> None:
    story = Story(stations=(EAST,))
    story.reads(reading(EAST, PortStatus.INUSE))

    assert story.asks(ADA, "next") == NothingFree(
        port=name(EAST), driver=None, since=NINE, since_known=False
    )


def test_c24_it_names_no_car_on_a_port_of_which_nobody_knows(story: Story) -> None:
    story.later(minutes=30)
    story.plugs_out(WEST)
    story.plugs_in(WEST, "600003")
    since = story.now
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.asks(ADA, "next") == NothingFree(
        port=name(WEST), driver=None, since=since, since_known=True
    )
