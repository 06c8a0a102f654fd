"""How ports changed, and why a free one is held for nobody."""

from collections.abc import Iterator
from datetime import datetime

from bot.reasons.words import moment
from bot.rules import Rules
from queue_store.site import Port, PortState, Site, state_of


def changed(before: Site, after: Site) -> Iterator[str]:
    """Say which ports are not as they were."""
    for port in after.ports:
        was = before.port(port.id)
        now_is = _state(port)
        if was is None:
            yield f"{port.name}: {now_is}"
        elif _state(was) != now_is:
            yield f"{port.name}: {_state(was)} -> {now_is}"
    for port in before.ports:
        if after.port(port.id) is None:
            yield f"{port.name}: listed no more"


def not_offered(before: Site, after: Site, *, now: datetime, rules: Rules) -> Iterator[str]:
    """Say why a free port is held for nobody, when that is new or when somebody waits."""
    known = {port.id: _why(before, now=now, rules=rules) for port in before.unoffered}
    why = _why(after, now=now, rules=rules)
    told = [port.name for port in after.unoffered if after.waiting or known.get(port.id) != why]
    if told:
        yield f"{', '.join(told)}: {why}"


def _state(port: Port) -> str:
    state = state_of(port, offered=False)
    match state:
        case PortState.CHARGING if port.session is not None:
            return f"{state.value} ({port.session.driver or 'somebody unknown'})"
        case PortState.HELD_BACK if port.held_back is not None:
            return f"{state.value} ({port.held_back.value})"
        case PortState.OUT_OF_SERVICE:
            return f"{state.value} ({'silent' if port.silent else 'unreachable'})"
        case _:
            return state.value


def _why(site: Site, *, now: datetime, rules: Rules) -> str:
    if site.heard is None or now - site.heard >= rules.silence:
        since = "ever" if site.heard is None else moment(site.heard, now=now)
        return f"nothing was heard of the stations since {since}"
    if site.queue:
        return "all who wait are suspended or called already"
    quiet = rules.quiet.begun(now) is not None
    return "nobody waits, and in quiet hours nobody is told" if quiet else "nobody waits"
