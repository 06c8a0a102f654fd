"""A feed that has lapsed is noticed, and nothing else is taken for it."""

from bot.hearing import Hearing


def session(hearing: Hearing, *, events: int = 0, changes: int = 0) -> bool:
    """Live through a session and tell whether the feed counts as lapsed at its end."""
    hearing.missed()
    hearing.session_began()
    for _ in range(events):
        hearing.heard()
    for _ in range(changes):
        hearing.missed()
    return hearing.session_ended()


def test_two_deaf_sessions_in_a_row_are_a_lapsed_feed() -> None:
    hearing = Hearing()

    assert [session(hearing, changes=2) for _ in range(3)] == [False, True, False]


def test_a_session_that_heard_anything_is_not_deaf() -> None:
    hearing = Hearing()

    assert not session(hearing, changes=2)
    assert not session(hearing, changes=2, events=1)
    assert not session(hearing, changes=2)


def test_a_quiet_weekend_is_not_deafness() -> None:
    """What was missed before a session began says nothing about it."""
    hearing = Hearing()

    assert not any(session(hearing) for _ in range(5))
