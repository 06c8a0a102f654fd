"""The log answers why somebody was called, and why somebody else wasn't."""

from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace

from bot.commands import parse, pressed
from bot.concierge import Decision, decide
from bot.effects import offer_card
from bot.events import Asker, CardPosted, ClockTicked, Event, ForgetConfirmed, PortsRead
from bot.reasons import Facts, about, consequences
from bot.reasons.words import place_of
from bot.rules import Rules
from chargepoint.events import PortStatus, PortStatusChanged, SessionStopped
from queue_store.site import Site
from tests.promises import Witness
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, QUIET, RULES, WEST, Story, name
from tests.weeks import Habit, Office

GARAGE_EAST, GARAGE_WEST = name(EAST), name(WEST)


class Diary(Story):
    """A story that remembers why each thing came as it did."""

    def __init__(self, *stations: str, rules: Rules = RULES) -> None:
        self.noted: list[Facts] = []
        super().__init__(stations=stations, rules=rules)

    def decides(self, event: Event) -> Decision:
        """Let it happen, and note why it came so, if anything came of it."""
        before = self.site
        decision = decide(before, event, now=self.now, rules=self.rules)
        why = consequences(before, event, decision, now=self.now, rules=self.rules)
        self.noted += [why] if why else []
        return super().decides(event)

    @property
    def why(self) -> Facts:
        """What was noted last."""
        return self.noted[-1]


@pytest.fixture
def story() -> Diary:
    """Begin with one station, on which a car is."""
    diary = Diary(EAST)
    diary.plugs_in(EAST)
    return diary


def test_who_is_called_is_named_with_the_port_and_who_is_next(story: Diary) -> None:
    story.joins(GRACE, ALAN, HEDY)

    story.plugs_out(EAST)

    assert story.why == {
        "called": f"{GRACE} to {GARAGE_EAST} (offer 2)",
        "ports": f"{GARAGE_EAST}: charging (somebody unknown) -> free",
        "waiting": f"{ALAN}; {HEDY}",
    }


def test_who_is_passed_over_is_told_until_when_and_why(story: Diary) -> None:
    """Grace said *Not now* and asks at noon why Alan was called."""
    story.joins(GRACE, ADA, ALAN)
    story.says(ADA, "suspend")
    story.plugs_out(EAST)

    story.presses(GRACE, "not now")

    assert story.why == {
        "called": f"{ALAN} to {GARAGE_EAST} (offer 3)",
        "passed_over": f"{GRACE}: suspended until 17:30:00Z, said not now;"
        f" {ADA}: suspended until they resume, asked for it",
        "suspended": f"{GRACE} until 17:30:00Z, said not now",
        "offers": f"{GRACE}'s to {GARAGE_EAST} (offer 2): not now",
    }


def test_who_is_called_already_is_not_called_again() -> None:
    story = Diary(EAST, WEST)
    story.plugs_in(WEST)
    story.joins(GRACE, ALAN)

    story.plugs_out(WEST)

    assert story.why["called"] == f"{ALAN} to {GARAGE_WEST} (offer 3)"
    assert story.why["passed_over"] == f"{GRACE}: is called to {GARAGE_EAST} already"


def test_a_call_that_ran_out_is_a_miss_and_says_what_it_costs(story: Diary) -> None:
    story.joins(GRACE, ALAN)
    story.plugs_out(EAST)

    story.later(minutes=10)

    assert story.why == {
        "called": f"{ALAN} to {GARAGE_EAST} (offer 3)",
        "passed_over": f"{GRACE}: suspended until 17:40:00Z, missed a call",
        "suspended": f"{GRACE} until 17:40:00Z, missed a call",
        "misses": f"{GRACE}: 1 today",
        "offers": f"{GRACE}'s to {GARAGE_EAST} (offer 2): missed",
    }


def test_who_says_next_is_named_to_who_was_passed_over(story: Diary) -> None:
    story.joins(GRACE, ALAN)
    story.plugs_out(EAST)

    story.says(ALAN, "next", admin=True)

    assert story.why["suspended"] == f"{GRACE} until 17:30:00Z, was passed over by {ALAN}"


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (lambda story: story.says(GRACE, "remove"), "wished so"),
        (lambda story: story.says(ALAN, f"remove <@{GRACE}>", admin=True), f"removed by {ALAN}"),
        (lambda story: story.plugs_in(WEST, "700102"), f"plugged in at {GARAGE_WEST}"),
        (lambda story: story.later(hours=3), "wanted to wait until now"),
        (
            lambda story: story.happens(ForgetConfirmed(asker=Asker(driver=GRACE))),
            "had everything deleted",
        ),
    ],
)
def test_an_entry_that_ended_says_why(ends: object, why: str) -> None:
    story = Diary(EAST, WEST)
    story.plugs_in(EAST)
    story.plugs_in(WEST)
    story.reports(WEST, PortStatus.UNREACHABLE)
    story.registers(GRACE, "700102")
    story.says(GRACE, "add until 12:00")

    ends(story)  # type: ignore[operator] # a story's step

    assert story.why["left"] == f"{GRACE}: {why}"


def test_quiet_hours_end_entries_and_say_so() -> None:
    story = Diary(EAST, rules=QUIET)
    story.plugs_in(EAST)
    story.joins(GRACE)

    story.later(hours=11)

    assert story.why["left"] == f"{GRACE}: quiet hours began"


def test_a_second_and_a_third_miss_are_told(story: Diary) -> None:
    story.joins(GRACE, ALAN)
    story.plugs_out(EAST)
    story.later(hours=3)

    assert f"{GRACE} at 2: missed a second call today" in noted(story, "to_bottom")
    assert f"{GRACE}: missed a third call today" in noted(story, "left")
    assert f"{GRACE}: 3 today" in noted(story, "misses")


def test_a_free_port_that_is_held_for_nobody_says_why(story: Diary) -> None:
    story.plugs_out(EAST)
    assert story.why["not_offered"] == f"{GARAGE_EAST}: nobody waits"

    story.says(GRACE, "add")
    story.says(GRACE, "suspend 20")
    assert (
        story.why["not_offered"] == f"{GARAGE_EAST}: all who wait are suspended or called already"
    )

    story.later(minutes=20)
    assert story.why["resumed"] == f"{GRACE}: the time is up"
    assert story.why["called"].startswith(f"{GRACE} to {GARAGE_EAST}")


def test_nothing_is_said_twice_of_a_port_that_stays_free(story: Diary) -> None:
    """A line for each reading would bury the others."""
    story.plugs_out(EAST)

    noted = len(story.noted)

    story.later(minutes=5)

    assert len(story.noted) == noted


def test_in_quiet_hours_nobody_is_told_and_that_is_why() -> None:
    story = Diary(EAST, rules=QUIET)
    story.plugs_in(EAST)
    story.later(hours=12)

    story.plugs_out(EAST)

    assert (
        story.why["not_offered"]
        == f"{GARAGE_EAST}: nobody waits, and in quiet hours nobody is told"
    )


def test_a_network_out_of_reach_is_why_nobody_is_called() -> None:
    """A free port beside somebody who waits is the one thing that everybody asks about."""
    story = Diary(EAST)
    story.online = False
    story.later(minutes=20)

    story.says(GRACE, "add")

    assert "called" not in story.why
    assert story.why["waiting"] == GRACE
    assert story.why["not_offered"] == (
        f"{GARAGE_EAST}: nothing was heard of the stations since 17:00:00Z"
    )


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (lambda story: story.says(ALAN, "pause EAST", admin=True), "held back (paused)"),
        (lambda story: story.reports(EAST, PortStatus.UNREACHABLE), "out of service (unreachable)"),
        (lambda story: story.plugs_in(EAST, "700102"), f"charging ({GRACE})"),
    ],
)
def test_a_port_that_is_taken_out_says_how(happens: object, state: str) -> None:
    story = Diary(EAST)
    story.registers(GRACE, "700102")

    happens(story)  # type: ignore[operator] # a story's step

    assert story.why["ports"] == f"{GARAGE_EAST}: free -> {state}"


def test_a_call_tells_how_it_goes_on(story: Diary) -> None:
    """The clock starts when the call stands in the room, and again with *On my way*."""
    story.posts = False
    story.joins(GRACE)
    story.plugs_out(EAST)

    story.happens(CardPosted(card=offer_card(2), at=story.now))
    assert story.why == {"offers": f"{GRACE}'s to {GARAGE_EAST} (offer 2): until 17:10:00Z"}

    story.presses(GRACE, "on my way")
    assert story.why == {
        "offers": f"{GRACE}'s to {GARAGE_EAST} (offer 2): on the way, until 17:15:00Z"
    }

    story.plugs_in(EAST)
    story.later(minutes=1)
    assert "an unknown car is there" in story.why["offers"]


def test_a_taken_port_moves_the_call() -> None:
    story = Diary(EAST, WEST)
    story.registers(HEDY, "700104")
    story.joins(GRACE)

    story.plugs_in(EAST, "700104")

    assert story.why["offers"] == f"{GRACE}'s to {GARAGE_EAST} (offer 1): moved to {GARAGE_WEST}"


def test_an_event_says_who_asked_and_what_it_is_about() -> None:
    site, grace = Story().site, Asker(driver=GRACE)

    def told(event: Event | None) -> Facts:
        assert event is not None
        return about(event, site)

    assert told(pressed("offer.on_my_way", "1", grace)) == {
        "event": "OfferAnswered",
        "by": GRACE,
        "offer": "1",
        "answer": "on_my_way",
    }
    assert told(parse(f"remove <@{HEDY}>", grace)) == {
        "event": "RemoveRequested",
        "by": GRACE,
        "driver": HEDY,
    }
    assert told(PortStatusChanged(station=EAST, port="1", status=PortStatus.INUSE)) == {
        "event": "PortStatusChanged",
        "port": GARAGE_EAST,
        "status": "INUSE",
    }
    assert told(SessionStopped(station="1:9", port="2"))["port"] == "1:9/2"
    assert told(ClockTicked()) == {"event": "ClockTicked"}


def test_what_people_wrote_and_who_they_are_to_chargepoint_stays_with_them() -> None:
    site, grace = Story().site, Asker(driver=GRACE)

    assert about(parse("register 700102", grace), site) == {
        "event": "RegisterRequested",
        "by": GRACE,
    }
    assert about(parse("my secret", grace), site) == {"event": "NotUnderstood", "by": GRACE}
    assert about(PortsRead(ports=()), site) == {"event": "PortsRead"}


def noted(story: Diary, fact: str) -> str:
    """Answer everything that was noted under this name."""
    return "; ".join(why[fact] for why in story.noted if fact in why)


class Historian(Witness):
    """A witness who checks that everything that happens to drivers and ports is explained."""

    def happens(self, event: Event) -> Decision:
        """Let it happen, and look for what is not explained."""
        before, now = self.site, self.now
        decision = decide(before, event, now=now, rules=self.rules)
        why = consequences(before, event, decision, now=now, rules=self.rules)
        explained(before, decision.site, why)
        return super().happens(event)


def explained(before: Site, after: Site, why: Facts) -> None:
    """Check that whoever asks finds an answer."""
    there = {offer.number for offer in before.offers}
    made = [offer for offer in after.offers if offer.number not in there]
    for offer in made:
        assert f"{offer.driver} to " in why["called"]
        for entry in after.queue[: place_of(offer.driver, after) - 1]:
            assert entry.driver in why["called"] + why.get("passed_over", "")
    for entry in before.queue:
        if after.entry(entry.driver) is None:
            assert f"{entry.driver}: " in why["left"]
    for offer in before.offers:
        if offer not in after.offers:
            assert f"(offer {offer.number})" in why["offers"]
    if after.waiting:
        for port in after.unoffered:
            assert port.name in why["not_offered"]
    assert "not at all" not in str(why)
    assert all(" by " not in told or "Requested" not in told for told in why.values())


@pytest.mark.parametrize("seed", range(3))
def test_over_whole_weeks_everything_is_explained(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers with every habit, a network that repeats, reorders and falls silent."""
    monkeypatch.setattr("tests.weeks.Witness", Historian)
    chance = Random(seed)
    habits = [chance.choice([*Habit]) for _ in range(8)]
    start = Story().now - timedelta(hours=1)

    Office(rules=replace(RULES), now=start, habits=habits, chance=chance).lives(
        days=2, silences=True
    )
