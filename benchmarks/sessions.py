"""`make bench-sessions`: what a thousand XMPP sessions leave behind, which should be nothing.

Two in three are cut, the others end as planned; the server is the playground's.
"""

import asyncio
import logging
import sys
from time import perf_counter

from tests.chargepoint.streams import settings, small_stream
from tests.chargepoint.wear import Resources, worn

SESSIONS = 1000


async def _worn() -> tuple[Resources, Resources]:
    async with small_stream() as stream:
        return await worn(stream, settings(stream.link.port), sessions=SESSIONS)


def main() -> int:
    """Wear it out, say what was held before and after, and answer whether that is the same."""
    logging.disable()
    began = perf_counter()
    before, after = asyncio.run(_worn())
    took = perf_counter() - began
    sys.stdout.write(f"{SESSIONS} sessions in {took:.0f} s\n")
    sys.stdout.write(f"before: {before}\nafter:  {after}\n")
    return int(before != after)


if __name__ == "__main__":
    sys.exit(main())
