"""Time's appointments, kept by APScheduler: the next wake-up, the daily refresh, the readings.

Nothing is lost with the process: what is due follows from the site and the settings, so there is
no job store and no catching up. What is due while the machine sleeps happens when it wakes.
"""

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

Job = Callable[[], Awaitable[None]]


class Scheduler:
    """Calls back at the times that it was given."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._jobs = AsyncIOScheduler(
            timezone=zone,
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                # The default of one second would skip whatever a busy moment delays.
                "misfire_grace_time": None,
            },
        )

    def start(self) -> None:
        """Begin to keep appointments; must be called inside the running loop."""
        self._jobs.start()

    def stop(self) -> None:
        """Forget every appointment."""
        if self._jobs.running:
            self._jobs.shutdown(wait=False)

    def once(self, name: str, job: Job, *, at: datetime | None) -> None:
        """Call back at that time, and not at the one given before; never, if it is None."""
        if at is None:
            if self._jobs.get_job(name) is not None:
                self._jobs.remove_job(name)
            return
        # The job itself makes the next appointment, which may be due before the job is over.
        self._jobs.add_job(
            job, DateTrigger(at), id=name, replace_existing=True, max_instances=sys.maxsize
        )

    def daily(self, name: str, job: Job, *, at: time) -> None:
        """Call back every day at that time at the site."""
        trigger = CronTrigger(hour=at.hour, minute=at.minute, timezone=self._zone)
        self._jobs.add_job(job, trigger, id=name, replace_existing=True)

    def every(self, name: str, job: Job, *, span: timedelta) -> None:
        """Call back at this interval, the first time after one of it."""
        trigger = IntervalTrigger(seconds=span.total_seconds(), timezone=self._zone)
        self._jobs.add_job(job, trigger, id=name, replace_existing=True)
