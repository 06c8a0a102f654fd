"""Rules 2 and 3: plug-ins by drivers whom we know."""

from bot.effects import (
    AnnouncePluggedIn,
    CallOutcome,
    TellMoved,
    TellTookOffered,
    TellWithdrawn,
    ToDriver,
    UpdateCall,
    destination,
)
from chargepoint.events import PortStatus
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, WEST, Story, name, reading


def test_2a_a_plug_in_by_the_called_driver_takes_them_off_and_edits_their_message(
    story: Story,
) -> None:
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700101")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.PLUGGED_IN),
    )
    assert (story.queue, story.called) == ([], [])


def test_2a_at_whatever_port() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.joins(ADA)

    effects = story.plugs_in(WEST, "700101")

    plugged_in = CallOutcome.PLUGGED_IN
    assert effects[0] == UpdateCall(offer=1, driver=ADA, port=name(WEST), outcome=plugged_in)
    assert (story.queue, story.called) == ([], [])


def test_2a_a_driver_has_as_many_ids_as_they_like(story: Story) -> None:
    story.registers(ADA, "700101")
    story.registers(ADA, "700109")
    story.joins(ADA)
    story.plugs_out(EAST)

    story.plugs_in(EAST, "700109")

    assert story.queue == []


def test_2b_offers_left_over_are_matched_again_to_the_ports_left(story: Story) -> None:
    """Two drivers who swap ports must not cost either of them their turn."""
    story.registers(ADA, "700101")
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.plugs_out(WEST)
    deadline = story.after(minutes=10)

    effects = story.plugs_in(WEST, "700101")

    moved = CallOutcome.MOVED
    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(WEST), outcome=CallOutcome.PLUGGED_IN),
        UpdateCall(offer=4, driver=GRACE, port=name(EAST), outcome=moved, deadline=deadline),
        TellMoved(driver=GRACE, taken=name(WEST), port=name(EAST), deadline=deadline),
    )
    assert story.queue == [GRACE]


def test_2b_earliest_called_first() -> None:
    """With fewer ports than offers the one called last is the one who waits on."""
    story = Story(stations=(EAST, WEST, "NORTH"))
    story.registers(HEDY, "700104")
    story.registers(ALAN, "700103")
    story.joins(ADA, GRACE, ALAN)

    story.plugs_in(EAST, "700104")
    assert story.called == [GRACE, ALAN]
    story.plugs_in(WEST, "700103")

    assert story.called == [GRACE]
    assert story.site.offers[0].port == "NORTH/1"
    assert story.queue == [ADA, GRACE]


def test_2b_of_two_offers_lost_at_once_the_one_made_first_gets_the_port_left() -> None:
    story = Story(stations=(EAST, WEST, "NORTH"))
    story.registers(HEDY, "700104")
    story.registers(ALAN, "700103")
    story.joins(ADA, GRACE)
    left = {offer.driver: offer.port for offer in story.site.offers}
    taken = [(port.partition("/")[0], user) for port, user in zip(left.values(), IDS, strict=True)]
    (free,) = {EAST, WEST, "NORTH"} - {station for station, _ in taken}

    story.reads(
        *(reading(station, PortStatus.INUSE, user) for station, user in taken), reading(free)
    )

    assert {offer.driver: offer.port for offer in story.site.offers} == {ADA: f"{free}/1"}
    assert story.queue == [ADA, GRACE]


IDS = ("700104", "700103")


def test_2b_who_is_moved_has_at_least_five_minutes_to_get_there(story: Story) -> None:
    story.registers(ADA, "700101")
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.plugs_out(WEST)
    story.later(minutes=8)

    story.plugs_in(WEST, "700101")

    assert story.site.offers[0].deadline == story.after(minutes=5)


def test_2c_a_plug_in_by_another_in_the_queue_takes_them_off_with_one_line(story: Story) -> None:
    story.registers(GRACE, "700102")
    story.joins(GRACE)
    story.says(GRACE, "suspend")
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700102")

    assert effects == (AnnouncePluggedIn(driver=GRACE, port=name(EAST)),)
    assert story.queue == []


def test_2c_a_plug_in_by_a_driver_who_did_not_queue_is_nobodys_business(story: Story) -> None:
    story.registers(GRACE, "700102")
    story.plugs_out(EAST)

    assert story.plugs_in(EAST, "700102") == ()


def test_3a_the_called_driver_is_moved_to_another_free_port() -> None:
    story = Story()
    story.registers(HEDY, "700104")
    story.joins(ADA)
    deadline = story.after(minutes=10)

    effects = story.plugs_in(EAST, "700104")

    moved = CallOutcome.MOVED
    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateCall(offer=1, driver=ADA, port=name(WEST), outcome=moved, deadline=deadline),
        TellMoved(driver=ADA, taken=name(EAST), port=name(WEST), deadline=deadline),
    )
    assert (story.queue, story.called) == ([ADA], [ADA])


def test_3b_with_no_such_port_the_called_driver_is_told_and_gets_the_next(story: Story) -> None:
    story.registers(HEDY, "700104")
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700104")

    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        TellWithdrawn(driver=ADA, port=name(EAST)),
    )
    assert story.entry(ADA).suspended is None
    assert story.site.misses == {}
    story.plugs_out(WEST)
    assert story.called == [ADA]


def test_3b_a_live_offer_is_never_taken_from_a_third_driver() -> None:
    story = Story()
    story.registers(HEDY, "700104")
    story.joins(ADA, GRACE)

    story.plugs_in(EAST, "700104")

    assert story.called == [GRACE]
    assert story.queue == [ADA, GRACE]


def test_3c_who_plugged_in_gets_a_private_note_and_the_room_hears_nothing(story: Story) -> None:
    story.registers(HEDY, "700104")
    story.joins(ADA)
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700104")

    about = [effect for effect in effects if HEDY in str(effect)]
    assert [destination(effect) for effect in about] == [ToDriver(HEDY)]
