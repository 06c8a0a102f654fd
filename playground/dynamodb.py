"""A DynamoDB engine on this machine, and the table that the bot's queue is kept in."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playground.bot_process import free_port, leashed
from playground.memory import Unusable

ENGINE = Path(__file__).parents[1] / "node_modules/@dynoxide/linux-x64/dynoxide"
TABLE = "ev-concierge"
START_SECONDS = 10
LOOK_SECONDS = 0.05


@asynccontextmanager
async def dynamodb(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Run the engine on the folder's file and answer the settings that lead the bot to its table.

    Raises:
        Unusable: the engine is not installed, or does not start.
    """
    if not ENGINE.exists():
        raise Unusable("The DynamoDB engine is not installed; `make engine` does that.")
    port = free_port()
    settings = {"QUEUE_STORE": f"dynamodb:{TABLE}", **_aws(port)}
    engine = await asyncio.create_subprocess_exec(
        ENGINE,
        *("--host", "127.0.0.1", "--port", str(port), "--db-path", folder / "dynamodb.db"),
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        async with leashed(engine.pid):
            await _answering(port)
            await _table(settings)
            yield settings
    finally:
        with suppress(ProcessLookupError):
            engine.terminate()
        await engine.wait()


async def _answering(port: int) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError as error:
        raise Unusable("The DynamoDB engine does not start.") from error


async def _table(settings: Mapping[str, str]) -> None:
    """Make the table as an administrator would."""
    command = (sys.executable, "-m", "queue_store", "create", settings["QUEUE_STORE"])
    process = await asyncio.create_subprocess_exec(
        *command, env=dict(settings), stdout=DEVNULL, stderr=PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise Unusable(f"The table can't be made: {said.decode(errors='replace').strip()}")


def _aws(port: int) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "AKIAPLAYGROUND",
        "AWS_SECRET_ACCESS_KEY": "of no use elsewhere",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
