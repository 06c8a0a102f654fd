"""Local DynamoDB engines, each a process of its own on a port of its own."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[2]
DYNOXIDE = ROOT / "node_modules/@dynoxide/linux-x64/dynoxide"
MINISTACK = ROOT / ".venvs/ministack/bin/ministack"

_START_SECONDS = 20.0
_LOOK_SECONDS = 0.02


class Program(Struct, frozen=True):
    """How to run an engine: its command with `{port}` in it, and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    how_to_get: str = ""

    @property
    def installed(self) -> bool:
        return Path(self.command[0]).exists()


def dynoxide(*options: str) -> Program:
    """Run Dynoxide, in memory unless the options say otherwise."""
    command = (str(DYNOXIDE), "--host", "127.0.0.1", "--port", "{port}", *options)
    return Program(command, how_to_get="`make engine` installs Dynoxide, where npm has it")


def ministack() -> Program:
    """Run ministack, in memory."""
    environment = {"GATEWAY_PORT": "{port}", "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"}
    return Program((str(MINISTACK),), environment, "`make engines` installs ministack")


class Server:
    """One engine under way; stopped and started again it stays at its port."""

    def __init__(self, program: Program) -> None:
        self.port = free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and wait until it takes connections."""
        fill = {"port": str(self.port)}
        self._process = subprocess.Popen(  # noqa: S603 # our own command
            [word.format(**fill) for word in self._program.command],
            env={name: text.format(**fill) for name, text in self._program.environment.items()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._await_connections()
        return self

    def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _await_connections(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(_LOOK_SECONDS)
        pytest.fail(f"the engine did not start: {self._program.command[0]}")


@contextmanager
def running(program: Program) -> Iterator[Server]:
    """Run the engine; where it is not installed, skip and say how to get it."""
    if not program.installed:
        pytest.skip(program.how_to_get)
    server = Server(program).start()
    try:
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """Answer a port that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def aws_environment(url: str) -> dict[str, str]:
    """Answer the environment in which boto3 speaks to the engine at this URL."""
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIAINVENTED",
        "AWS_SECRET_ACCESS_KEY": "invented",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Nothing of whoever runs the tests.
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }
