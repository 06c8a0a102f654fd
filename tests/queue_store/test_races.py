"""Leadership under everything that can happen in between, in any order."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_store.errors import OutcomeUnknown
from queue_store.lease import KeptLease
from tests.queue_store.board import Board, Fate

SECONDS = 15.0


class Bot:
    """One instance: its lease, its clock, and what it waits for."""

    def __init__(self, board: Board, *, rate: Fraction) -> None:
        self.lease = KeptLease(board, seconds=SECONDS, monotonic=lambda: float(self._time))
        self.led: set[int] = set()
        # Whether it may believe to lead although it doesn't, as far as its clock can tell.
        self.misled = False
        self._board = board
        self._rate = rate
        self._time = Fraction(0)
        self._waiting: Coroutine[None, Fate, None] | None = None

    @property
    def is_waiting(self) -> bool:
        return self._waiting is not None

    def pass_time(self, seconds: Fraction) -> None:
        self._time += seconds * self._rate

    def keep(self) -> None:
        """Keep the lease as most of the time: asked and heard at once."""
        self.go_on()
        while self.is_waiting:
            self.go_on()

    def keep_unheard(self) -> None:
        """Do what is asked for, and let the answer take its time."""
        before = self._board.beat
        self.go_on()
        while self.is_waiting and self._board.beat == before:
            self.go_on()

    def go_on(self) -> None:
        """Keep the lease as far as the next moment at which the world may change."""
        if self._waiting is None:
            self._begin(self.lease.keep())
        else:
            self._send(Fate.ARRIVES)

    def let_go(self) -> None:
        """Be stopped, whatever was under way."""
        self.give_up()
        self._begin(self.lease.release())

    def try_again(self) -> None:
        """Lose an answer, and ask the same again."""
        if self._waiting is not None:
            self._send(Fate.LOST)

    def give_up(self) -> None:
        """Lose the engine, or patience, on the way."""
        if self._waiting is not None:
            with suppress(OutcomeUnknown):
                self._waiting.throw(OutcomeUnknown("no answer"))
            self._waiting = None

    def die(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def _begin(self, work: Coroutine[None, Fate, None]) -> None:
        self._waiting = work
        self._send(None)

    def _send(self, fate: Fate | None) -> None:
        assert self._waiting is not None
        try:
            self._waiting.send(fate)  # type: ignore[arg-type] # None begins a coroutine
        except StopIteration:
            self._waiting = None


class World:
    """Some bots, and what can happen to them."""

    def __init__(self, rates: tuple[int, ...]) -> None:
        self.board = Board()
        # Clocks differ by more than any real ones do.
        self._rates = [Fraction(100 + percent, 100) for percent in rates]
        self.bots = [Bot(self.board, rate=rate) for rate in self._rates]
        self.dead: list[Bot] = []

    def pass_time(self, seconds: float) -> None:
        for bot in self.bots:
            bot.pass_time(Fraction(seconds))

    def crash(self, number: int) -> None:
        self.bots[number].die()
        self.dead.append(self.bots[number])
        self.bots[number] = Bot(self.board, rate=self._rates[number])

    def suspend(self, number: int) -> None:
        """Suspend a machine, whose clock does not count that, for almost a lease."""
        self.bots[number].pass_time(-Fraction(SECONDS) + 1)
        self.pass_time(SECONDS - 1)
        self.bots[number].misled = True

    def arrive_late(self, number: int) -> None:
        """Do at last what somebody gave up."""
        if self.board.late:
            self.board.take(*self.board.late.pop(number % len(self.board.late)))

    def delete_heartbeat(self, _: int) -> None:
        """Let an administrator clear up: terms must not begin anew."""
        self.board.beat = None
        for bot in self.bots:
            bot.misled |= bot.lease.term is not None or bot.is_waiting

    def check(self) -> None:
        leading = [bot for bot in self.bots if bot.lease.term is not None and not bot.misled]
        assert len(leading) <= 1, "two lead at once"
        for bot in self.bots:
            bot.led |= {bot.lease.term or 0} - {0}
            assert 0 < bot.lease.pause <= SECONDS / 3
            assert bot.lease.term is not None or bot.lease.pause <= 1
        led = [term for bot in (*self.bots, *self.dead) for term in bot.led]
        assert len(led) == len(set(led)), "one term is led by two, so the fence lets both through"
        assert max(led, default=0) <= self.board.term, "a term is led that never began"


Deed = Callable[[World, int], None]


def by_bot(deed: Callable[[Bot], None]) -> Deed:
    """Answer the deed, done in the world by one of its bots."""
    return lambda world, number: deed(world.bots[number])


ORDINARY = [
    *[by_bot(Bot.keep)] * 3,
    *[by_bot(Bot.keep_unheard)] * 2,
    by_bot(Bot.go_on),
    by_bot(Bot.let_go),
]
TROUBLED = [
    *ORDINARY,
    *[by_bot(Bot.give_up)] * 2,
    by_bot(Bot.try_again),
    World.crash,
    World.suspend,
    World.arrive_late,
    World.arrive_late,
    World.delete_heartbeat,
]


def days(deeds: list[Deed]) -> st.SearchStrategy[list[tuple[Deed, int, int]]]:
    """Draw what happens to which bot, and how many seconds pass then."""
    # A beat, what a beat is worth to its leader, and to the others.
    seconds = st.sampled_from([0, 0, 0, 1, 5, 12, 15])
    return st.lists(
        st.tuples(st.sampled_from(deeds), st.sampled_from([0, 0, 1, 1, 2]), seconds), max_size=60
    )


rates = st.tuples(*[st.sampled_from([-8, 8])] * 3)


@pytest.mark.parametrize("deeds", [ORDINARY, TROUBLED], ids=["ordinary", "troubled"])
def test_no_two_lead_whatever_happens(deeds: list[Deed]) -> None:
    """No driver is called by two bots, nor a station's event heard by two."""

    @given(rates=rates, day=days(deeds))
    @settings(max_examples=1000, deadline=None)
    def play(rates: tuple[int, ...], day: list[tuple[Deed, int, int]]) -> None:
        world = World(rates)
        for deed, number, seconds in day:
            deed(world, number)
            world.check()
            world.pass_time(seconds)
            world.check()
        for bot in world.bots:
            bot.die()

    play()


@given(rates=rates, day=days(TROUBLED))
@settings(max_examples=300, deadline=None)
def test_whatever_happened_there_is_a_leader_again(
    rates: tuple[int, ...], day: list[tuple[Deed, int, int]]
) -> None:
    """Trouble passes: once one bot is left in peace, it leads within a lease."""
    world = World(rates)
    for deed, number, seconds in day:
        deed(world, number)
        world.pass_time(seconds)
    for bot in world.bots:
        bot.give_up()
    survivor = world.bots[0]

    survivor.keep()
    survivor.keep()
    world.pass_time(SECONDS * 1.1)
    survivor.keep()

    assert survivor.lease.term == world.board.term
