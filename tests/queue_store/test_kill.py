"""`kill -9` in the middle of commits loses nothing that was acknowledged."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.queue_store.decisions import NOON, SITE, said
from tests.queue_store.engines import ROOT, OpenStore


@pytest.mark.parametrize("commits", [1, 20, 60])
async def test_what_was_acknowledged_survives_kill_9(
    engine: str, open_store: OpenStore, tmp_path: Path, commits: int
) -> None:
    """A driver who read that they are in the queue stays in it, whatever happens to us."""
    process = await _committing(engine, tmp_path)

    acknowledged = await _killed_after(commits, process)

    store = await open_store(site=SITE)
    snapshot = await store.load()
    assert snapshot.revision in {acknowledged, acknowledged + 1}
    assert snapshot.site.serial == snapshot.revision
    revisions = range(1, snapshot.revision + 1)
    assert await said(store) == [str(revision).encode() for revision in revisions]
    for revision in revisions:
        assert await store.answered(f"trigger {revision}", now=NOON) == str(revision).encode()
    await store.close()


async def _committing(engine: str, directory: Path) -> Process:
    module = "tests.queue_store.committing"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, engine, str(directory), stdout=PIPE, cwd=ROOT
    )


async def _killed_after(commits: int, process: Process) -> int:
    """Kill the process once it has acknowledged this many; answer the last it acknowledged."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        for _ in range(commits):
            assert await process.stdout.readline()
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    # A last line without its end was cut off in the middle of an acknowledgement.
    whole = rest.rpartition(b"\n")[0].split()
    return int(whole[-1]) if whole else commits
