"""What the X-Ray daemon would be sent, on a screen: `python -m playground.xray`.

Start a bot with TRACE_EXPORTER=xray on the same machine, and each piece of its work is printed
when it has ended, with its steps.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from bot.datagrams import HEADER
from bot.waterfall import Piece, waterfall
from playground.daemon import SimulatedDaemon

PORT = 2000
MOST_UNFINISHED = 1000

Document = dict[str, Any]


class Viewer:
    """Gathers the documents of each trace until its segment has come, which is sent last."""

    def __init__(self) -> None:
        self._gathered: defaultdict[str, list[Document]] = defaultdict(list)

    def lines(self, datagram: bytes) -> Iterator[str]:
        """Take a datagram, and answer what there is to print now."""
        if not datagram.startswith(HEADER):
            yield f"not for the daemon: {datagram[:60]!r}"
            return
        document: Document = json.loads(datagram.removeprefix(HEADER))
        self._gathered[document["trace_id"]].append(document)
        if "type" not in document:
            finished = self._gathered.pop(document["trace_id"])
            yield from waterfall([*map(piece, finished)])
        while len(self._gathered) > MOST_UNFINISHED:
            del self._gathered[next(iter(self._gathered))]


def piece(document: Document) -> Piece:
    """Answer the piece of work that a document tells of."""
    facts = {**document.get("annotations", {}), **document.get("metadata", {}).get("default", {})}
    unit, method = facts.pop("unit", None), facts.pop("rpc.method", None)
    return Piece(
        id=document["id"],
        parent=document.get("parent_id"),
        trace=document["trace_id"],
        name=" ".join(filter(None, (unit or document["name"], method))),
        begin=document["start_time"],
        end=document["end_time"],
        facts=facts,
        error=_error(document),
    )


def _error(document: Document) -> str:
    flags = [word for word in ("throttle", "error", "fault") if document.get(word)]
    exceptions = document.get("cause", {}).get("exceptions", [])[:1]
    return ", ".join(
        [*flags, *(f"{each.get('type')}: {each.get('message')}" for each in exceptions)]
    )


async def watch(port: int) -> None:
    """Print what arrives, for ever."""
    viewer = Viewer()

    def show(datagram: bytes) -> None:
        for line in viewer.lines(datagram):
            print(line, flush=True)  # noqa: T201 - for a person at a terminal

    async with SimulatedDaemon(port, hear=show) as daemon:
        print("Listening for traces at {}:{} (Ctrl-C ends)".format(*daemon.address), flush=True)  # noqa: T201 - as above
        await asyncio.Event().wait()


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m playground.xray", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"where to listen ({PORT})")
    with suppress(KeyboardInterrupt):
        asyncio.run(watch(parser.parse_args().port))


if __name__ == "__main__":
    main()
