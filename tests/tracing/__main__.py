"""`make traces`: a short life of the bot, each trace checked, handed to an X-Ray API, and shown."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from playground.dynamodb import ENGINE
from playground.xray import Viewer
from playground.xray_picture import picture
from tests.queue_store.servers import running
from tests.tracing.documents import Document, checked, trees
from tests.tracing.living import DAILY, KINDS, live
from tests.tracing.moto import MOTO, XRayApi, moto

PICTURED = "/ev"


def main() -> None:
    """Do what the command line asks."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        work = live(Path(folder), in_dynamodb=ENGINE.exists(), until_refresh=True)
        datagrams = asyncio.run(work)
    documents = [checked(datagram) for datagram in datagrams]
    roots = trees(documents)
    kinds = Counter(root["annotations"]["unit"] for root in roots.values())
    if set(kinds) != KINDS | DAILY:
        sys.exit(f"not every kind of work was traced: {sorted(kinds)}")
    _show(datagrams)
    _say(f"{len(documents)} documents of {len(roots)} traces, each one tree, all by the rules.")
    _say(f"The longest has {max(map(len, datagrams))} bytes; X-Ray takes 64 kB.")
    _say(", ".join(f"{kind}: {number}" for kind, number in sorted(kinds.items())))
    _say(_verdict(documents))
    if options.picture is not None:
        options.picture.write_text(picture(_pictured(documents)), encoding="utf-8")
        _say(f"drawn in {options.picture}")


def _show(datagrams: list[bytes]) -> None:
    """Print the first trace of each kind."""
    viewer, shown = Viewer(), set()
    for datagram in datagrams:
        lines = [*viewer.lines(datagram)]
        kind = lines[0].split("  ")[0] if lines else None
        if kind not in shown:
            _say("\n".join(lines))
        shown.add(kind)


def _verdict(documents: list[Document]) -> str:
    if not MOTO.exists():
        return "moto's X-Ray API was not asked: `make moto` installs it."
    with running(moto()) as server:
        x_ray = XRayApi(server.url)
        refused = x_ray.put(documents)
        given_back = trees(x_ray.get([*trees(documents)]))
    if refused or given_back != trees(documents):
        sys.exit(f"moto's X-Ray API refused {refused}, and gave back {len(given_back)} traces")
    return "moto's X-Ray API took all of them, and gave each trace back as one tree."


def _pictured(documents: list[Document]) -> list[Document]:
    """Answer the documents of the first command, its segment last."""
    traces = defaultdict(list)
    for document in documents:
        traces[document["trace_id"]].append(document)
    return next(
        trace
        for trace in traces.values()
        if trace[-1].get("annotations", {}).get("unit") == PICTURED
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tracing", description=__doc__)
    parser.add_argument("--picture", type=Path, help="an SVG file to draw the first command into")
    return parser.parse_args()


def _say(words: str) -> None:
    print(words)  # noqa: T201 - for a person at a terminal


main()
