"""People who come, wait, answer, plug in and drive off; of some it is said what they do instead."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random

from playground.month.people import ZONE, Rates, visits
from playground.why.office import Happening, Office

RATES = Rates(comes=1.0, no_show=0.0, not_now=0.1, over_stays=0.1, jumps=0.0)
A_MINUTE = timedelta(minutes=1)

# Given the number of the call and the port.
Called = Callable[[int, str], None]


class People:
    """The drivers of one day; `instead` says what some of them do when they are called."""

    def __init__(self, office: Office, day: date, *, drivers: int, left_out: set[str]) -> None:
        self.office = office
        self.instead: dict[str, Called] = {}
        self._day = day
        self._put_off: set[str] = set()
        chance = Random(day.toordinal())  # noqa: S311 - people, not secrets
        self._visits = {each.driver: each for each in visits(day, 1, drivers, RATES, chance)}
        office.on_call = self._is_called
        for driver, visit in self._visits.items():
            if driver not in left_out:
                office.plan(visit.arrives, self.joining(driver))

    def at(self, clock: str) -> datetime:
        """Answer when the site's clock shows this."""
        return datetime.combine(self._day, time.fromisoformat(clock), ZONE)

    def user(self, driver: str) -> str:
        """Answer the driver's ChargePoint user ID."""
        return self._visits[driver].user

    def joining(self, driver: str) -> Happening:
        """Answer how the driver joins the queue."""

        async def join() -> None:
            await self.office.says(driver, f"register {self.user(driver)}")
            await self.office.says(driver, "add")

        return join

    def plugging_in(self, user: str, port: str, *, minutes: float) -> Happening:
        """Answer how a car with this ChargePoint user ID comes, and goes after so long."""

        async def plug_in() -> None:
            if self.office.garage[port] is None:
                await self.office.plugs_in(user, port)
                self.office.later(lambda: self.office.plugs_out(port), minutes=minutes)

        return plug_in

    def _is_called(self, driver: str, offer: int, port: str) -> None:
        if driver in self.instead:
            self.instead[driver](offer, port)
            return
        visit = self._visits[driver]
        if visit.not_now and driver not in self._put_off:
            self._put_off.add(driver)
            self._answers(driver, offer, "not_now")
            return
        self._answers(driver, offer, "on_my_way")
        stays = (visit.needs + visit.lingers) / A_MINUTE
        comes = self.plugging_in(visit.user, port, minutes=stays)
        self.office.later(comes, minutes=visit.walk / A_MINUTE)

    def _answers(self, driver: str, offer: int, answer: str) -> None:
        async def press() -> None:
            await self.office.presses(driver, f"offer.{answer}", str(offer))

        self.office.later(press, minutes=1)
