"""Who may do what: everybody their own, admins the rest, and nobody by somebody else's button."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import commands, conversation
from bot.commands import COMMANDS, parse, pressed
from bot.concierge import decide
from bot.events import Asker, NextRequested, Request, SessionClaimed, SessionDisowned
from bot.messages import Reader, answer
from bot.replies import AdminsOnly, NotYourButton, TooLate
from playground.slack.faults import Break
from queue_store.site import Port, Site
from tests.bot.office import ADA as ADMIN
from tests.bot.office import GRACE, HEDY, Bot
from tests.bot.wire import command, interactive, press, response_url, send
from tests.hostile.days import DRIVERS, RULES, days, numbers
from tests.story import NINE, Story
from tests.strategies import structs

EVE = "U0EVE"
PEOPLE = (*DRIVERS, EVE)
ASKERS = (
    *(Asker(driver=driver, in_room=False) for driver in PEOPLE),
    Asker(driver=EVE, admin=True, in_room=False),
)

Entitled = Callable[[Site, Asker, int, int, datetime], bool]


def _called(site: Site, asker: Asker, offer: int, _: int, __: datetime) -> bool:
    return any((o.number, o.driver) == (offer, asker.driver) for o in site.offers)


def _asked_whose_car(site: Site, asker: Asker, offer: int, session: int, _: datetime) -> bool:
    asked = [(o.number, o.driver, o.asked) for o in site.offers]
    return site.session(session) is not None and (offer, asker.driver, session) in asked


def _asked_to_move(site: Site, asker: Asker, session: int, _: int, __: datetime) -> bool:
    found = site.session(session)
    return found is not None and found[1].driver == asker.driver and found[1].asked > 0


def _anybody_of_a_stranger(site: Site, _: Asker, session: int, __: int, ___: datetime) -> bool:
    found = site.session(session)
    return found is not None and found[1].driver is None


def _anybody_of_a_stranger_who_was_asked_for(
    site: Site, asker: Asker, session: int, _: int, now: datetime
) -> bool:
    found = site.session(session)
    unknown = _anybody_of_a_stranger(site, asker, session, 0, now)
    return unknown and found is not None and found[1].carded


def _claimed_it(site: Site, asker: Asker, session: int, _: int, now: datetime) -> bool:
    return any(
        claim.session == session
        and (asker.admin or claim.driver == asker.driver)
        and now - claim.at <= RULES.undo
        for claim in site.claims
    )


def _is_thought_to_be_there(site: Site, asker: Asker, session: int, _: int, __: datetime) -> bool:
    found = site.session(session)
    return found is not None and found[1].driver == asker.driver


def _admins(site: Site, asker: Asker, dispute: int, _: int, __: datetime) -> bool:
    return asker.admin and any(each.number == dispute for each in site.disputes)


def _everybody(*_: object) -> bool:
    return True


ENTITLED: dict[str, Entitled] = {
    "offer.on_my_way": _called,
    "offer.not_now": _called,
    "offer.cant_use_it": _called,
    "offer.leave": _called,
    "move.now": _asked_to_move,
    "move.later": _asked_to_move,
    "move.until": _asked_to_move,
    "was.mine": _asked_whose_car,
    "was.not_mine": _asked_whose_car,
    "session.claim": _anybody_of_a_stranger,
    "session.disown": _anybody_of_a_stranger_who_was_asked_for,
    "session.undo": _claimed_it,
    "session.not_mine": _is_thought_to_be_there,
    "dispute.grant": _admins,
    "dispute.deny": _admins,
    "queue.rejoin": _everybody,
    "forget.confirm": _everybody,
}

NEVER = 10**17

# Anybody may say these, and they are about others.
ANYBODYS = (NextRequested, SessionClaimed, SessionDisowned)

THEIR_OWN = [kind for kind in get_args(Request) if kind not in ANYBODYS]

FOR_ADMINS = conversation._FOR_ADMINS
ADMINS_WORDS = (
    *(word for each in COMMANDS if each.does.startswith("admins") for word in each.examples),
    f"remove <@{HEDY}>",
)
ADMINS_BUTTONS = tuple(action for action, who in ENTITLED.items() if who is _admins)


def test_of_every_button_it_is_written_here_who_may_press_it() -> None:
    """A new one must not be forgotten."""
    assert set(ENTITLED) == set(commands._BUTTONS)


@given(story=days())
def test_a_button_of_somebody_elses_or_of_the_past_changes_nothing_and_says_so(
    story: Story,
) -> None:
    """Every button, by everybody, about everything that there is and something that isn't."""
    for action, asker, (number, other) in product(ENTITLED, ASKERS, pairs(story.site)):
        if ENTITLED[action](story.site, asker, number, other, story.now):
            continue
        request = pressed(action, f"{number}-{other}", asker)
        assert request is not None
        decision = decide(story.site, request, now=story.now, rules=story.rules)
        assert (decision.site, decision.effects) == (story.site, ())
        assert isinstance(decision.reply, NotYourButton | TooLate | AdminsOnly)
        assert not decision.reply.PUBLIC


@pytest.mark.parametrize("reply", [NotYourButton(driver=EVE), TooLate(), AdminsOnly()])
def test_who_presses_in_vain_is_told_so(reply: NotYourButton | TooLate | AdminsOnly) -> None:
    reader = Reader(now=NINE, zone=RULES.zone, rules=RULES, names={})

    assert "nothing was changed" in answer(reply, reader).text


@given(story=days(), in_room=st.booleans(), data=st.data())
def test_whoever_is_nobody_can_change_nothing_of_anybody_elses(
    story: Story, *, in_room: bool, data: st.DataObject
) -> None:
    """Whatever they ask for, of all that can be asked for."""
    asker = Asker(driver=EVE, in_room=in_room)
    for kind in data.draw(
        st.lists(st.sampled_from(THEIR_OWN), min_size=10, max_size=10, unique=True)
    ):
        request = data.draw(about(kind, story.site, asker))
        after = decide(story.site, request, now=story.now, rules=story.rules).site
        assert without(EVE, after) == without(EVE, story.site)


@given(
    story=days(),
    driver=st.sampled_from(PEOPLE),
    kind=st.sampled_from([kind for kind in get_args(Request) if kind not in FOR_ADMINS]),
    data=st.data(),
)
def test_where_slack_is_not_asked_who_is_an_admin_it_makes_no_difference_to_be_one(
    story: Story, driver: str, kind: type[Any], data: st.DataObject
) -> None:
    """Or what is for admins would be for nobody."""
    request = data.draw(about(kind, story.site, Asker(driver=driver)))
    asked = replace(request, asker=Asker(driver=driver, admin=True))

    assert decide(story.site, asked, now=story.now, rules=story.rules) == decide(
        story.site, request, now=story.now, rules=story.rules
    )


def test_what_help_calls_for_admins_is_for_admins() -> None:
    for example in ADMINS_WORDS:
        assert isinstance(parse(example, Asker(driver=GRACE)), FOR_ADMINS), example


async def test_admins_words_and_buttons_are_for_admins_alone(bot: Bot) -> None:
    """Whoever says so in the request: what counts is what Slack says of them."""
    before = decided(await bot.site())

    for number, words in enumerate(ADMINS_WORDS):
        body = command(text=words, user_id=GRACE, is_admin="true", trigger_id=f"c{number}")
        assert "for admins" in (await send(bot, body))[1], words
    for number, action in enumerate(ADMINS_BUTTONS):
        await send(bot, interactive(_pressed(bot, action, by=GRACE, trigger_id=f"b{number}")))

    await bot.neighbours.tells(GRACE, "for admins", times=len(ADMINS_BUTTONS))
    assert decided(await bot.site()) == before


async def test_while_slack_tells_nobody_who_is_an_admin_nobody_is_one(bot: Bot) -> None:
    """It is said kindly, for whoever reads it may well be one."""
    before = decided(await bot.site())
    bot.neighbours.slack.web_api.faults.add("users.info", Break(500), times=100)

    for number, words in enumerate(ADMINS_WORDS):
        said = await send(bot, command(text=words, user_id=ADMIN, trigger_id=f"c{number}"))
        assert "won't tell me" in said[1], words
    for number, action in enumerate(ADMINS_BUTTONS):
        await send(bot, interactive(_pressed(bot, action, by=ADMIN, trigger_id=f"b{number}")))

    await bot.neighbours.tells(ADMIN, "won't tell me", times=len(ADMINS_BUTTONS))
    assert decided(await bot.site()) == before


async def test_every_button_pressed_too_late_is_explained_in_private(bot: Bot) -> None:
    before = decided(await bot.site())
    buttons = [action for action in ENTITLED if ENTITLED[action] is not _everybody]

    for number, action in enumerate(buttons):
        pressed = _pressed(bot, action, by=GRACE, trigger_id=f"b{number}")
        assert (await send(bot, interactive(pressed)))[0] == HTTPStatus.OK, action

    await bot.neighbours.tells(GRACE, "nothing was changed", times=len(buttons))
    assert decided(await bot.site()) == before
    assert bot.neighbours.room("nothing was changed") == []


def decided(site: Site) -> Site:
    """Answer the site without what stations and readings tell of it all the time."""
    ports = tuple(replace(port, heard=NINE, spoken=None) for port in site.ports)
    return replace(site, ports=ports, heard=None, read=None)


def pairs(site: Site) -> set[tuple[int, int]]:
    """Answer numbers of offers, sessions and the rest, alone and with a session."""
    sessions = {port.session.number for port in site.ports if port.session}
    offers = {offer.number: offer.asked or 0 for offer in site.offers}
    others = {claim.session for claim in site.claims} | {each.number for each in site.disputes}
    alone = {(number, 0) for number in {*sessions, *offers, *others, NEVER}}
    return alone | set(offers.items()) | set(product(offers, sessions))


def about(kind: type[Any], site: Site, asker: Asker) -> st.SearchStrategy[Any]:
    """Answer requests of this kind about what is there."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "asker": st.just(asker),
        "driver": st.sampled_from(PEOPLE),
        "user": st.sampled_from(("600001", "600002", "600003")),
        "port": st.sampled_from(("EAST", "WEST", "HQ")),
        "minutes": st.sampled_from((0, 15, 60)),
        **dict.fromkeys(("offer", "session", "dispute"), numbers(site)),
    }
    return structs(kind, **{n: fields[n] for n in kind.__struct_fields__ if n in fields})


def without(driver: str, site: Site) -> Site:
    """Answer the site without anything of this driver's, nor what is nobody's."""
    offers = tuple(offer for offer in site.offers if offer.driver != driver)
    return replace(
        site,
        serial=0,
        queue=site.without_entry(driver).queue,
        offers=offers,
        ports=tuple(_unclaimed(port) for port in site.ports),
        registrations={u: who for u, who in site.registrations.items() if who != driver},
        misses={who: misses for who, misses in site.misses.items() if who != driver},
        claims=tuple(claim for claim in site.claims if claim.driver != driver),
        disputes=tuple(d for d in site.disputes if d.claimant != driver),
    )


def _unclaimed(port: Port) -> Port:
    # A free port's idle time begins anew with an offer, and a stranger's car may be Eve's.
    session = port.session
    if session is not None and session.driver in {None, EVE}:
        session = replace(session, driver=None, noticed=True)
    return replace(port, session=session, idle_since=None, news=False, reminded=False)


def _pressed(bot: Bot, action: str, *, by: str, trigger_id: str) -> dict[str, Any]:
    url = response_url(bot, by)
    return press(action, "999-999", by=by, trigger_id=trigger_id, response_url=url)
