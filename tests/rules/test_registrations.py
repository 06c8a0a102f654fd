"""Whose a ChargePoint user ID is, and what is kept of a driver."""

import msgspec
import pytest
from msgspec.structs import replace

from bot.concierge.registrations import MOST_IDS
from bot.effects import (
    AnnouncePluggedIn,
    AskForDispute,
    CallDriver,
    CallOutcome,
    TellDisputeDecided,
    TellIdFree,
    UpdateAskWho,
    UpdateCall,
    UpdateWhoPluggedIn,
)
from bot.replies import (
    AdminsOnly,
    ConfirmForget,
    Disputed,
    Done,
    Forgotten,
    NotYourRegistration,
    Registered,
    TooLate,
    TooManyIds,
    Unregistered,
)
from bot.rules import Rules
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, WEST, ZONE, Story, name


def test_c26_register_ties_the_id_to_the_driver(story: Story) -> None:
    assert story.asks(ADA, "register 700101") == Registered(user="700101")
    assert story.asks(ADA, "register 700102") == Registered(user="700102")
    assert story.site.registrations == {"700101": ADA, "700102": ADA}


def test_c26_nobody_can_fill_the_site_with_ids(story: Story) -> None:
    """What is kept is kept whole, and has to fit for everybody."""
    for number in range(MOST_IDS):
        story.registers(ADA, f"70010{number}")
    before = story.site

    assert story.asks(ADA, "register 700199") == TooManyIds(most=MOST_IDS)
    assert story.site == before
    assert story.asks(ADA, "register 700100") == Registered(user="700100")
    assert story.asks(GRACE, "register 700199") == Registered(user="700199")


def test_c26_it_takes_effect_on_the_live_session_too(story: Story) -> None:
    story.joins(GRACE)

    effects = story.registers(GRACE, "600002")

    assert effects == (
        UpdateWhoPluggedIn(session=2, port=name(WEST), driver=GRACE),
        AnnouncePluggedIn(driver=GRACE, port=name(WEST)),
    )
    assert story.reply() == Registered(user="600002", port=name(WEST))
    assert story.queue == []


def test_c27_unregister_unties_the_callers_own_id(story: Story) -> None:
    story.registers(ADA, "700101")

    assert story.asks(GRACE, "unregister 700101") == NotYourRegistration(user="700101")
    assert story.site.registrations == {"700101": ADA}
    assert story.asks(ADA, "unregister 700101") == Unregistered(user="700101")
    assert story.site.registrations == {}


def test_c27_it_takes_effect_on_the_live_session_too(story: Story) -> None:
    """Whoever mistyped their ID must get rid of the car that it made theirs."""
    story.registers(ADA, "600001")

    effects = story.says(ADA, "unregister 600001")

    assert effects == (UpdateAskWho(session=1, port=name(EAST)),)
    assert story.session(EAST).driver is None


def test_c28_an_id_that_is_another_drivers_goes_to_an_admin() -> None:
    story = Story(rules=Rules(zone=ZONE, admins=frozenset({HEDY})))
    story.registers(ADA, "700101")

    effects = story.says(GRACE, "register 700101")

    asked = AskForDispute(dispute=1, user="700101", owner=ADA, claimant=GRACE, admin=HEDY)
    assert effects == (asked,)
    assert story.reply() == Disputed(user="700101")
    assert story.site.registrations == {"700101": ADA}
    assert story.says(GRACE, "register 700101") == (), "the admin is asked once"
    assert story.reply() == Disputed(user="700101")


def test_c28_with_no_admin_known_the_room_is_asked(story: Story) -> None:
    story.registers(ADA, "700101")

    (asked,) = story.says(GRACE, "register 700101")

    assert isinstance(asked, AskForDispute)
    assert asked.admin is None


@pytest.mark.parametrize(
    ("button", "owner"), [("give it to the new driver", GRACE), ("leave it", ADA)]
)
def test_c28_the_admin_decides_and_both_are_told(story: Story, button: str, owner: str) -> None:
    story.registers(ADA, "700101")
    story.says(GRACE, "register 700101")

    assert story.presses(GRACE, button, 3) == ()
    assert story.reply() == AdminsOnly()
    effects = story.presses(HEDY, button, 3, admin=True)

    assert effects == (
        TellDisputeDecided(driver=GRACE, user="700101", owner=owner),
        TellDisputeDecided(driver=ADA, user="700101", owner=owner),
    )
    assert story.reply() == Done()
    assert story.site.registrations == {"700101": owner}
    story.presses(HEDY, button, 3, admin=True)
    assert story.reply() == TooLate()


def test_c28_an_id_that_was_given_is_not_given_back_by_an_older_question(story: Story) -> None:
    story.registers(ADA, "700101")
    story.says(GRACE, "register 700101")
    story.says(ALAN, "register 700101")
    story.presses(HEDY, "give it to the new driver", 3, admin=True)

    story.presses(HEDY, "leave it", 4, admin=True)

    assert story.reply() == TooLate()
    assert story.site.registrations == {"700101": GRACE}


def test_c28_whoever_else_wanted_it_is_told_too(story: Story) -> None:
    story.registers(ADA, "700101")
    story.registers(ADA, "700102")
    story.says(GRACE, "register 700101")
    story.says(ALAN, "register 700101")
    story.says("U0EVE", "register 700102")

    effects = story.presses(HEDY, "give it to the new driver", 3, admin=True)

    assert effects == tuple(
        TellDisputeDecided(driver=driver, user="700101", owner=GRACE)
        for driver in (GRACE, ADA, ALAN)
    )
    assert [(each.user, each.claimant) for each in story.site.disputes] == [("700102", "U0EVE")]


def test_c28_another_one_who_wants_it_waits_on_when_one_was_denied(story: Story) -> None:
    story.registers(ADA, "700101")
    story.says(GRACE, "register 700101")
    story.says(ALAN, "register 700101")

    effects = story.presses(HEDY, "leave it", 3, admin=True)

    assert [effect.driver for effect in effects if isinstance(effect, TellDisputeDecided)] == [
        GRACE,
        ADA,
    ]
    assert [each.claimant for each in story.site.disputes] == [ALAN]


@pytest.mark.parametrize("last", ["unregister 600001", "undo", "forget me"])
def test_c28_whoever_waits_for_an_id_hears_that_it_is_free(story: Story, last: str) -> None:
    story.presses(ADA, "that's me", 1)
    story.says(GRACE, "register 600001")

    said = story.says(ADA, last) if " 6" in last else story.presses(ADA, last, 1)

    assert said[0] == TellIdFree(driver=GRACE, user="600001")
    assert story.site.disputes == ()
    assert isinstance(story.asks(GRACE, "register 600001"), Registered)
    assert story.site.registrations == {"600001": GRACE}


def test_c28_what_was_given_up_needs_no_decision(story: Story) -> None:
    story.registers(ADA, "700101")
    story.says(GRACE, "register 700101")
    story.says(ADA, "unregister 700101")

    story.presses(HEDY, "leave it", 3, admin=True)

    assert story.reply() == TooLate()
    assert story.site.registrations == {}


def test_c28_a_car_goes_with_its_id(story: Story) -> None:
    story.registers(ADA, "600001")
    story.joins(GRACE)
    story.says(GRACE, "register 600001")

    story.presses(HEDY, "give it to the new driver", 3, admin=True)

    assert story.session(EAST).driver == GRACE
    assert story.queue == []


def test_c32_forget_me_asks_back(story: Story) -> None:
    story.joins(ADA)

    assert story.asks(ADA, "forget me") == ConfirmForget()
    assert story.queue == [ADA]


def test_c32_nothing_about_the_driver_is_kept() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.later(minutes=15)
    story.plugs_in(EAST, "700101")
    story.presses(ADA, "that's me", 2)
    story.registers(GRACE, "700102")
    story.says(ADA, "register 700102")
    story.plugs_out(EAST)
    story.plugs_in(EAST, "700101")
    assert ADA in story.site.misses

    ada_forgets(story)

    assert ADA not in stored(story)
    assert story.site.registrations == {"700102": GRACE}


def test_c32_not_even_an_offer_that_ran_out_a_moment_ago() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.later(minutes=10)

    ada_forgets(story)

    assert ADA not in stored(story)


def test_c32_not_even_that_they_stood_behind_somebody(story: Story) -> None:
    """Who claimed a car could undo that, and would stand before those who stood behind them."""
    story.joins(GRACE, ADA, ALAN)
    story.presses(GRACE, "that's me", 1)

    ada_forgets(story)

    assert ADA not in stored(story)
    story.presses(GRACE, "undo", 1)
    assert story.queue == [GRACE, ALAN]


def test_c32_a_held_offer_passes_on_at_once(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    effects = story.presses(ADA, "forget me", 0)

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.LEFT),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )


def stored(story: Story) -> str:
    """Answer everything that is stored of the site."""
    return msgspec.json.encode(story.site).decode()


def ada_forgets(story: Story) -> None:
    """Let Ada confirm that she wants to be forgotten."""
    story.presses(ADA, "forget me", 0)
    assert story.reply() == Forgotten()


def test_c32_a_car_that_is_there_stays_there_and_belongs_to_nobody(story: Story) -> None:
    story.registers(ADA, "600001")

    assert story.presses(ADA, "forget me", 0) == ()

    session = story.session(EAST)
    assert (session.number, session.driver, session.user) == (1, None, None)
    assert story.later(minutes=1) == (), "nobody is asked whose it is"


def test_c32_what_others_have_is_kept(story: Story) -> None:
    story.joins(GRACE, ALAN)
    story.presses(GRACE, "that's me", 1)
    story.registers(HEDY, "700104")
    story.says(ALAN, "register 700104")
    story.registers(ADA, "700101")
    before = story.site

    ada_forgets(story)

    assert story.site == replace(before, registrations=story.site.registrations)
    assert story.site.registrations == {"600001": GRACE, "700104": HEDY}
