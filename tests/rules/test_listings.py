"""What the listings tell, and to whom."""

from datetime import timedelta

from bot.messages import Reader, answer
from bot.replies import Joined, Listing, PortsListing, Why, board
from chargepoint.events import PortStatus
from tests.story import ADA, ALAN, EAST, GRACE, RULES, WEST, ZONE, Story, name, reading

NAMES = {ADA: "Ada", GRACE: "Grace", ALAN: "Alan"}


def said(story: Story, driver: str, words: str) -> str:
    """Answer in words what the driver is told."""
    reply = story.asks(driver, words)
    assert reply is not None
    return answer(reply, Reader(now=story.now, zone=ZONE, rules=RULES, names=NAMES)).text


def test_c3_a_listing_shows_each_port_and_who_has_been_on_it_since_when(story: Story) -> None:
    story.registers(ADA, "600001")
    since = int(story.now.timestamp())

    shown = said(story, GRACE, "list")

    assert f"*HQ GARAGE / EAST*: Ada, since <!date^{since}^" in shown
    assert "*HQ GARAGE / WEST*: somebody I don't know, since" in shown


def test_c3_a_start_that_is_not_known_is_at_least_since() -> None:
    story = Story(stations=(EAST,))
    story.reads(reading(EAST), reading(WEST, PortStatus.INUSE))

    assert "*HQ GARAGE / WEST*: somebody I don't know, at least since" in said(story, ADA, "list")


def test_c3_a_start_that_is_learnt_later_is_known() -> None:
    story = Story(stations=(EAST,))
    story.reads(reading(EAST, PortStatus.INUSE))
    assert not story.session(EAST).since_known
    started = story.now - timedelta(minutes=3)

    story.now += timedelta(seconds=1)
    story.introduces(EAST, user="600001", started=started)

    assert (story.session(EAST).since, story.session(EAST).since_known) == (started, True)


def test_c3_each_state_of_a_port_has_its_words() -> None:
    story = Story()
    story.says(ADA, "pause east", admin=True)
    story.reports(WEST, PortStatus.UNREACHABLE)
    shown = said(story, ADA, "list")
    assert "*HQ GARAGE / EAST*: held back by an admin" in shown
    assert "*HQ GARAGE / WEST*: out of service, last word at" in shown

    story.says(ADA, "unpause east", admin=True)
    assert "*HQ GARAGE / EAST*: free" in said(story, ADA, "list")

    story.joins(ADA)
    assert "*HQ GARAGE / EAST*: held for Ada until" in said(story, ADA, "list")

    story.presses(ADA, "can't use it")
    assert "*HQ GARAGE / EAST*: held back: reported" in said(story, ADA, "list")


def test_c4_a_listing_shows_who_waits_in_order_and_the_askers_own_place(story: Story) -> None:
    story.joins(ADA, GRACE, ALAN)
    story.says(GRACE, "suspend")
    story.plugs_out(EAST)

    shown = said(story, ALAN, "list")

    assert "1. Ada (called to HQ GARAGE / EAST)\n2. Grace (suspended)\n3. Alan" in shown
    assert "You are at place 3." in shown


def test_c4_a_listing_in_the_room_has_nobodys_own_place(story: Story) -> None:
    assert "You are" not in said(story, ADA, "add")


def test_c4_the_listing_is_the_board_as_it_is(story: Story) -> None:
    assert story.asks(ADA, "list") == Listing(asker=ADA, board=board(story.site))
    assert not Listing.PUBLIC
    assert Joined.PUBLIC


def test_c25_status_shows_the_ports_only_how_long_and_how_fresh(story: Story) -> None:
    story.joins(GRACE)
    story.online = False
    story.later(minutes=90)

    shown = said(story, ADA, "status")

    assert story.reply() == PortsListing(board=board(story.site))
    assert "somebody I don't know, since" in shown
    assert "^{time}|09:00>, 1 h 30 min _(as of" in shown
    assert "(as of 1 h 30 min ago)" in shown
    assert "Grace" not in shown
    assert "Queue" not in shown


def test_c29_why_explains_who_is_ahead_and_who_is_passed_over(story: Story) -> None:
    story.joins(ADA, GRACE, ALAN)
    story.says(ADA, "suspend 45")

    shown = said(story, ALAN, "why")

    assert story.reply() == Why(asker=ALAN, board=board(story.site))
    assert "You are at place 3. 1 of those ahead of you is called before you." in shown
    assert "1. Ada (suspended until" in shown
    assert "2. Grace" in shown


def test_c29_why_tells_a_driver_who_is_passed_over_why_that_is(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    assert "You are called!" in said(story, ADA, "why")

    story.presses(ADA, "not now")
    assert "because you said “not now”" in said(story, ADA, "why")

    assert "You are not in the queue" in said(story, GRACE, "why")


def test_c29_why_tells_who_is_next_that_they_are(story: Story) -> None:
    story.joins(ADA)

    assert "You get the next free charger." in said(story, ADA, "why")
    assert name(EAST) not in said(story, ADA, "why")
