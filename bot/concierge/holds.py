"""A port is held back from offers: paused by an admin, or reported as blocked or broken."""

from datetime import datetime

from msgspec.structs import replace

from bot.concierge import offers
from bot.concierge.answer import Answer, replied
from bot.concierge.step import Step
from bot.effects import CallOutcome, Effect, ReportUnusable
from bot.events import Asker
from bot.replies import AdminsOnly, Paused, Reply, Unpaused, WasNotHeldBack, WhichPort
from bot.rules import Rules
from queue_store.site import Hold, Offer, Port, Site, is_free


def pause(site: Site, asker: Asker, words: str) -> Answer:
    """Hold the port back; a live offer on it is matched again."""
    port = _meant(site, asker, words)
    if not isinstance(port, Port):
        return replied(site, port)
    held = replace(port, held_back=Hold.PAUSED)
    return replied(site.with_port(held), Paused(port=port.name, by=asker.driver))


def unpause(site: Site, asker: Asker, words: str, *, now: datetime) -> Answer:
    """Give the port back, whyever it was held back; if it is free, it is so since now."""
    port = _meant(site, asker, words)
    if not isinstance(port, Port):
        return replied(site, port)
    if port.held_back is None:
        return replied(site, WasNotHeldBack(port=port.name))
    given = replace(port, held_back=None)
    if is_free(given):
        given = replace(given, idle_since=now, reminded=False)
    return replied(site.with_port(given), Unpaused(port=port.name, by=asker.driver))


def report(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    """Hold the offered port back as unusable; its driver keeps first place and is next."""
    over = offers.end(site, offer, CallOutcome.UNUSABLE, now=now)
    port = over.site.port(offer.port)
    if port is None or not is_free(port):
        return over
    told: list[Effect] = [
        ReportUnusable(port=port.name, by=offer.driver, admin=admin) for admin in rules.told_admins
    ]
    held = over.site.with_port(replace(port, held_back=Hold.REPORTED, news=False))
    return Step(held, (*over.effects, *told))


def _meant(site: Site, asker: Asker, words: str) -> Port | Reply:
    """Answer the only port that the words name, or what to say instead."""
    if not asker.admin:
        return AdminsOnly()
    wanted = _plain(words)
    found = [port for port in site.ports if wanted in _plain(port.name)]
    exact = [port for port in found if _plain(port.name) == wanted]
    if len(exact or found) == 1:
        return (exact or found)[0]
    return WhichPort(words=words, ports=tuple(port.name for port in found or site.ports))


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
