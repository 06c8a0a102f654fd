"""A machine as Elastic Beanstalk sets it up: an environment of its own, one folder per version."""

import asyncio
import os
import signal
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.bot.office import until
from tests.deployment.bundle import unpacked
from tests.queue_store.servers import free_port

PATIENCE_SECONDS = 30
# What a machine of Amazon's has on its path beside the environment.
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"


class Server:
    """One machine with one Python and the bot's requirements, and nothing else of ours."""

    def __init__(self, folder: Path, python: str) -> None:
        self._folder = folder
        self._versions = 0
        self.environment = folder / "venv"
        subprocess.run([python, "-m", "venv", self.environment], check=True)  # noqa: S603 # ours

    def install(self, bundle: Path) -> Path:
        """Unpack a version beside the one that may be running, with what it requires."""
        self._versions += 1
        staged = unpacked(bundle, self._folder / f"version-{self._versions}")
        installing = subprocess.run(  # noqa: S603 # our own command
            [self.environment / "bin/pip", "install", "--quiet", "-r", "requirements.txt"],
            cwd=staged,
            capture_output=True,
            text=True,
            check=False,
        )
        if installing.returncode:
            pytest.skip(f"the requirements can't be had now: {installing.stderr[-300:]}")
        return staged

    def path(self) -> str:
        return f"{self.environment / 'bin'}:{_SYSTEM}"

    async def run(self, *command: str, at: Path, **settings: str) -> None:
        """Run a command as an administrator would on this machine."""
        environment = {"PATH": self.path(), **settings}
        process = await asyncio.create_subprocess_exec(
            *command, cwd=at, env=environment, stdout=DEVNULL, stderr=PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()

    @asynccontextmanager
    async def started(self, version: Path, settings: Mapping[str, str]) -> AsyncIterator["Web"]:
        """Start the Procfile's web process of a version."""
        name, _, line = (version / "Procfile").read_text().strip().partition(": ")
        assert name == "web"
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            # The shell of Amazon Linux, which makes way for the one command that it is given.
            *("bash", "-c", line),
            cwd=version,
            env={"PATH": self.path(), **settings, "PORT": str(port)},
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        web = Web(process, f"http://127.0.0.1:{port}")
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(web.listen())
                yield web
                web.signal(signal.SIGKILL)
                await listening
        finally:
            web.signal(signal.SIGKILL)
            await process.wait()


class Web:
    """A web process under way."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url
        self.said: list[str] = []

    async def listen(self) -> None:
        """Take down what it says, until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.said.append(line.decode())

    async def answers(self, path: str) -> None:
        """Wait until the path answers that all is well."""
        try:
            await until(lambda: self._is_well(path))
        except TimeoutError:
            pytest.fail(f"{path} is not well:\n{''.join(self.said)[-3000:]}")

    async def _is_well(self, path: str) -> bool:
        assert self.process.returncode is None, "".join(self.said)
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
                return answer.status == 200
        return False

    def signal(self, number: signal.Signals) -> None:
        """Tell everything that the process began, as the platform's own supervisor does."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    async def leaves(self) -> tuple[int, float]:
        """Ask it to stop; answer with what it left, and after how many seconds."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait(), loop.time() - asked
