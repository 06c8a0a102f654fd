"""Instances behind a load balancer, and how a new version takes their places."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from itertools import count, cycle
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec import Struct

from tests.bot.office import until
from tests.bot.process import ROOT, Running, started

# What a load balancer must not pass on as it came.
_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}


class LoadBalancer:
    """Passes each request to the next of its targets, and to none that was taken out."""

    def __init__(self) -> None:
        self.url = ""
        self.refusals: list[str] = []
        self._targets: list[str] = []
        self._under_way: dict[str, int] = {}
        self._turn = count()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Take requests until the block ends."""
        app = web.Application()
        app.router.add_post("/slack/events", self._pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        async with aiohttp.ClientSession() as self._session:
            try:
                yield
            finally:
                await runner.cleanup()

    async def register(self, target: str) -> None:
        """Pass requests to this target too, once it is healthy."""
        await until(lambda: self._is_healthy(target))
        self._under_way[target] = 0
        self._targets.append(target)

    async def deregister(self, target: str) -> None:
        """Pass nothing more to the target, and wait for what it has begun."""
        self.forget(target)

        async def is_idle() -> bool:
            return not self._under_way[target]

        await until(is_idle)

    def forget(self, target: str) -> None:
        """Pass nothing more to a target that is gone."""
        self._targets.remove(target)

    async def _is_healthy(self, target: str) -> bool:
        assert self._session is not None
        with suppress(aiohttp.ClientError):
            async with self._session.get(f"{target}/healthz") as answer:
                return answer.status == HTTPStatus.OK
        return False

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        if not self._targets:
            self.refusals.append("no targets")
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        target = self._targets[next(self._turn) % len(self._targets)]
        self._under_way[target] += 1
        try:
            return await self._answer(target, request)
        except aiohttp.ClientError as error:
            self.refusals.append(repr(error))
            return web.Response(status=HTTPStatus.BAD_GATEWAY)
        finally:
            self._under_way[target] -= 1

    async def _answer(self, target: str, request: web.Request) -> web.Response:
        assert self._session is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        async with self._session.post(
            f"{target}{request.path}", data=await request.read(), headers=headers
        ) as answer:
            if answer.status != HTTPStatus.OK:
                self.refusals.append(f"{answer.status} {(await answer.text())[:80]}")
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


class Instance(Struct, frozen=True):
    """One process, where it is, how to be rid of it, and of which version it is."""

    running: Running
    url: str
    stack: AsyncExitStack
    version: Path


async def at_once() -> None:
    """Wait for nothing."""


class Fleet:
    """So many instances of the bot, replaced one after the other.

    A patient one waits until a new instance is ready before the next one goes. Of several versions,
    each new instance is of the next. What happens `between` two replacements is waited for.
    """

    def __init__(
        self,
        balancer: LoadBalancer,
        environment: Mapping[str, str],
        *,
        patient: bool = False,
        versions: Sequence[Path] = (ROOT,),
        between: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        self._balancer = balancer
        self._patient = patient
        self._between = between
        self._environment = environment
        self._instances: list[Instance] = []
        self._versions = cycle(versions)
        self.decisions = dict.fromkeys(versions, 0)
        self.codes: list[int] = []

    @asynccontextmanager
    async def running(self, size: int) -> AsyncIterator[None]:
        """Run the fleet until the block ends."""
        try:
            for _ in range(size):
                await self._start()
            yield
        finally:
            for instance in self._instances:
                await self._part_with(instance)

    async def deploy(self, *, drained: bool = True, by: signal.Signals = signal.SIGTERM) -> None:
        """Replace every instance, one at a time; `drained` ones get no requests any more."""
        for _ in range(len(self._instances)):
            old = self._instances.pop(0)
            if drained:
                await self._balancer.deregister(old.url)
            old.running.process.send_signal(by)
            self.codes.append(await old.running.leaves())
            if not drained:
                self._balancer.forget(old.url)
            await self._part_with(old)
            await self._start()
            await self._between()

    async def _start(self) -> None:
        stack, version = AsyncExitStack(), next(self._versions)
        running = await stack.enter_async_context(started(self._environment, at=version))
        url = await (running.ready() if self._patient else running.url())
        self._instances.append(Instance(running, url, stack, version))
        await self._balancer.register(url)

    async def _part_with(self, instance: Instance) -> None:
        await instance.stack.aclose()
        self.decisions[instance.version] += instance.running.said.count(" event.decided ")
