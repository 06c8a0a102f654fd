"""Many sessions in a row, and what they leave behind."""

import asyncio
import gc
import os

from msgspec import Struct

from chargepoint.listener import XmppSettings
from tests.chargepoint.streams import Office, Stream, listening, until

CUT_EVERY = 3


class Resources(Struct, frozen=True, kw_only=True):
    """What this process holds."""

    tasks: int
    timers: int
    files: int


def resources() -> Resources:
    """Count what is held now; timers are those of the XMPP library."""
    gc.collect()
    timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined] # no public view
    return Resources(
        tasks=len(asyncio.all_tasks()),
        timers=sum(not each.cancelled() and "XMLStream" in repr(each) for each in timers),
        files=len(os.listdir("/dev/fd")),  # noqa: PTH208 - only their number
    )


async def worn(stream: Stream, bot: XmppSettings, *, sessions: int) -> tuple[Resources, Resources]:
    """Answer what was held before and after so many sessions, refreshed and cut in turns."""
    await _sessions(stream, bot, 1)
    before = resources()
    await _sessions(stream, bot, sessions)
    return before, resources()


async def _sessions(stream: Stream, bot: XmppSettings, sessions: int) -> None:
    office = Office()
    async with listening(bot, office) as listener:
        for ended in range(sessions):
            await until(lambda ended=ended: office.readings == ended + 1)  # type: ignore[misc] # the loop's own number
            if ended % CUT_EVERY:
                stream.link.cut()
            else:
                listener.refresh()
        await until(lambda: office.readings == sessions + 1)
    await until(lambda: stream.link.open == 0)
