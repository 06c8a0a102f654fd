"""The three days: what goes wrong on each for somebody, what they ask, and where the answer is."""

from collections.abc import Callable
from datetime import date

from msgspec import Struct

from playground.why.people import A_MINUTE, People


class Day(Struct, frozen=True, kw_only=True):
    """A day on which somebody isn't called.

    `plant` lets it go wrong for `left_out`, who do nothing else; `evidence` matches, in their
    order, the lines of the log that answer the question.
    """

    number: int
    date: date
    left_out: frozenset[str]
    plant: Callable[[People], None]
    question: str
    answer: str
    evidence: tuple[str, ...]


def _passed_over(people: People) -> None:
    """Let U0007 overlook their call until somebody loses patience."""
    office = people.office

    async def lose_patience() -> None:
        await office.says("U0003", "next")

    people.instead["U0007"] = lambda _, __: office.later(lose_patience, minutes=6)
    office.plan(people.at("09:05"), people.joining("U0007"))


def _out_of_reach(people: People) -> None:
    """Let the network be out of reach for an hour, in which U0005 drives off."""
    office = people.office

    async def lose_network() -> None:
        office.reachable = False

    async def find_network() -> None:
        office.reachable = True

    def park(_: int, port: str) -> None:
        stays = (people.at("13:30") - office.clock.now()) / A_MINUTE - 5
        office.later(people.plugging_in(people.user("U0005"), port, minutes=stays), minutes=5)

    people.instead["U0005"] = park
    office.plan(people.at("07:05"), people.joining("U0005"))
    office.plan(people.at("13:00"), people.joining("U0009"))
    office.plan(people.at("13:20"), lose_network)
    office.plan(people.at("14:22"), find_network)


def _by_another_hand(people: People) -> None:
    """Let U0004, when called, plug in with the card that they borrowed from U0012."""
    office = people.office

    async def leave() -> None:
        await office.says("U0004", "remove")

    def come(_: int, port: str) -> None:
        borrowed = people.user("U0012")
        office.later(people.plugging_in(borrowed, port, minutes=200), minutes=5)
        office.later(leave, minutes=7)
        people.instead["U0004"] = lambda *_: None

    people.instead["U0004"] = come
    office.plan(people.at("09:20"), people.joining("U0004"))
    office.plan(people.at("09:25"), people.joining("U0012"))


DAYS = (
    Day(
        number=1,
        date=date(2026, 3, 2),
        left_out=frozenset({"U0007"}),
        plant=_passed_over,
        question="U0007 asks on Monday afternoon: “I joined at five past nine. A charger became"
        " free when I was first, and somebody who came after me was called to it. Why wasn't I?”",
        answer="They were called, and didn't react. After six minutes U0003 said `ev next`, which"
        " called the one after them to the same charger and passed U0007 over for half an hour.",
        evidence=(
            r" called=\"U0007 to HQ GARAGE / EAST \d ",
            r" event=NextRequested by=U0003 .*passed_over=\"U0007: .* passed over by U0003\"",
        ),
    ),
    Day(
        number=2,
        date=date(2026, 3, 3),
        left_out=frozenset({"U0005", "U0009"}),
        plant=_out_of_reach,
        question="U0009 asks on Tuesday afternoon: “I have been waiting since one o'clock. At half"
        " past one a car left EAST 1, I saw it. Nobody was called to it for almost an hour. Why?”",
        answer="From 13:20 on the bot could not reach ChargePoint, so it did not hear that the car"
        " left, and calls nobody on old news. It called the first of the queue as soon as a reading"
        " showed the charger free.",
        evidence=(
            r" stations\.unread why=",
            r" event=PortsRead called=.*ports=\".*HQ GARAGE / EAST 1: charging \(U0005\) -> free",
        ),
    ),
    Day(
        number=3,
        date=date(2026, 3, 4),
        left_out=frozenset({"U0004", "U0012"}),
        plant=_by_another_hand,
        question="U0012 asks on Wednesday afternoon: “I joined at twenty-five past nine and waited"
        " all day. Why wasn't I called?”",
        answer="Their ChargePoint user ID plugged in, at a charger that was held for U0004, so the"
        " bot took them off the queue: whoever charges doesn't wait. U0004 left the queue two"
        " minutes later, so perhaps they know more.",
        evidence=(
            r" called=\"U0004 to HQ GARAGE / EAST \d ",
            r" event=SessionStarted .*left=\"U0012: plugged in at HQ GARAGE / EAST \d\"",
            r" event=LeaveRequested by=U0004 ",
        ),
    ),
)
