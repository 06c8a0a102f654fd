"""The diagrams of a port's and an offer's states show what the rules do, all of it.

Every state of a small site is visited that a handful of events leads to, and each step from one
to the next is held against the diagram; so is each arrow of the diagram against the steps.
"""

import re
from collections.abc import Callable, Iterator
from copy import copy
from itertools import pairwise
from pathlib import Path

import pytest

from bot.concierge import Decision
from bot.effects import offer_card
from bot.events import (
    Asker,
    CardPosted,
    Event,
    IdentityAnswered,
    OfferAnswer,
    OfferAnswered,
    PauseRequested,
    UnpauseRequested,
)
from chargepoint.events import PortStatus
from queue_store.site import Offer, Site, state_of
from tests.story import ADA, EAST, GRACE, WEST, Story

ADMIN = Asker(driver="U0ADMIN", admin=True)
PAGE = Path(__file__).parents[2] / "docs/code.md"
ENDED = "[*]"
Edge = tuple[str, str]


class Walk(Story):
    """A story that remembers every site that it came by."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        super().__init__()
        self.posts = False

    def decides(self, event: Event) -> Decision:
        decision = super().decides(event)
        self.sites.append(decision.site)
        return decision

    def branch(self) -> "Walk":
        """Answer a walk that goes on from here."""
        other = copy(self)
        other.sites = [self.site]
        return other


Step = Callable[[Walk], object]


def answers(said: OfferAnswer) -> Step:
    """Let Ada press a button under her call."""
    return lambda story: [
        story.happens(OfferAnswered(asker=Asker(driver=ADA), offer=offer.number, answer=said))
        for offer in story.site.offers
    ]


def identifies(*, mine: bool) -> Step:
    """Let Ada say whether the unknown car is hers."""
    return lambda story: [
        story.happens(
            IdentityAnswered(
                asker=Asker(driver=ADA), offer=offer.number, session=offer.asked, mine=mine
            )
        )
        for offer in story.site.offers
        if offer.asked is not None
    ]


def posts(story: Walk) -> None:
    """Let Slack take the calls."""
    for offer in story.site.offers:
        story.happens(CardPosted(card=offer_card(offer.number), at=story.now))


STEPS: tuple[Step, ...] = (
    posts,
    *(answers(said) for said in OfferAnswer),
    identifies(mine=True),
    identifies(mine=False),
    lambda story: story.says(ADA, "add"),
    lambda story: story.says(ADA, "remove"),
    lambda story: story.says(GRACE, "next", admin=True),
    lambda story: story.plugs_in(EAST, "700101"),
    lambda story: story.plugs_in(EAST, "600009"),
    lambda story: story.plugs_in(WEST, "700102"),
    lambda story: story.plugs_out(EAST),
    lambda story: story.plugs_out(WEST),
    lambda story: story.reports(EAST, PortStatus.UNREACHABLE),
    lambda story: story.reports(WEST, PortStatus.UNREACHABLE),
    lambda story: story.happens(PauseRequested(asker=ADMIN, port="EAST")),
    lambda story: story.happens(UnpauseRequested(asker=ADMIN, port="EAST")),
    lambda story: story.later(minutes=11),
    lambda story: story.later(minutes=40),
)
DEPTH = 7


def port_states(site: Site) -> str:
    """Answer how people see the port of EAST."""
    port = next(port for port in site.ports if port.station == EAST)
    return state_of(port, offered=site.offer_on(port.id) is not None).value


def offer_state(offer: Offer) -> str:
    """Answer how an offer stands."""
    if offer.frozen is not None:
        return "frozen"
    if offer.asked is not None:
        return "asked"
    if offer.deadline is None:
        return "made"
    return "accepted" if offer.accepted else "called"


def offer_steps(before: Site, after: Site) -> Iterator[Edge]:
    """Answer how each offer went on."""
    stand = {offer.number: offer_state(offer) for offer in after.offers}
    known = {offer.number: offer_state(offer) for offer in before.offers}
    for number in stand.keys() | known.keys():
        yield known.get(number, ENDED), stand.get(number, ENDED)


def explored() -> tuple[set[Edge], set[Edge]]:
    """Answer every step of the port and of the offers that the events lead to."""
    ports: set[Edge] = set()
    offers: set[Edge] = set()
    frontier, seen = [start()], set[object]()
    for _ in range(DEPTH):
        frontier = [then for story in frontier for then in grown(story, seen, ports, offers)]
    return {step for step in ports if step[0] != step[1]}, {s for s in offers if s[0] != s[1]}


def start() -> Walk:
    """Open a small office in which Ada and Grace are known."""
    story = Walk()
    story.registers(ADA, "700101")
    story.registers(GRACE, "700102")
    return story


def grown(story: Walk, seen: set[object], ports: set[Edge], offers: set[Edge]) -> Iterator[Walk]:
    """Answer the stories that go on from here and were not told before."""
    for step in STEPS:
        then = story.branch()
        step(then)
        for before, after in pairwise(then.sites):
            ports.add((port_states(before), port_states(after)))
            offers.update(offer_steps(before, after))
        if (told := outline(then.site)) not in seen:
            seen.add(told)
            yield then


def outline(site: Site) -> object:
    """Answer what of a site matters for what can happen next."""
    return (
        port_states(site),
        tuple(
            (offer_state(offer), offer.port, offer.deadline is None, offer.accepted)
            for offer in site.offers
        ),
        tuple((entry.driver, entry.suspended) for entry in site.queue),
        tuple(
            (p.availability, p.session and (p.session.driver, p.session.noticed), p.held_back)
            for p in site.ports
        ),
    )


def drawn(title: str) -> set[Edge]:
    """Answer the arrows of the diagram under this title."""
    text = PAGE.read_text(encoding="utf-8").partition(f"%% {title}\n")[2].partition("```")[0]
    named = dict(re.findall(r'state "([^"]+)" as (\w+)', text))
    names = {alias: name for name, alias in named.items()}
    arrows = re.findall(r"^\s*(\S+) --> (\S+?)(?:\s*:.*)?$", text, flags=re.MULTILINE)
    return {(names.get(start, start), names.get(end, end)) for start, end in arrows}


@pytest.fixture(scope="module")
def steps() -> tuple[set[Edge], set[Edge]]:
    """Explore once for both diagrams."""
    return explored()


def test_the_diagram_of_a_port_is_what_ports_do(steps: tuple[set[Edge], set[Edge]]) -> None:
    assert {step for step in drawn("port") if ENDED not in step} == steps[0]


def test_the_diagram_of_an_offer_is_what_offers_do(steps: tuple[set[Edge], set[Edge]]) -> None:
    assert drawn("offer") == steps[1]
