"""Every way in which the doctor finds something, each made to happen.

A harm is done to the neighbours, or to the settings that lead to them, for as long as it is
entered.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from msgspec import Struct

from playground.slack.faults import Break, Fault, Hang, Limit, Refuse
from playground.slack.options import SCOPES
from playground.slack.workspace import BOT_USER, ROOM
from playground.soap import EVERY_OPERATION, Trouble
from queue_store.aws import Table
from queue_store.patience import ADMINISTRATORS
from queue_store.sqlite import SqliteStore
from queue_store.table import create
from tests.bot.office import ADA, EAST, GRACE, WEST, Bot, Neighbours, at_work, until
from tests.bot.strangers import listening
from tests.chargepoint.golden import GoldenServer, answer
from tests.chargepoint.streams import BOT, Tls, small_stream, tls_context
from tests.queue_store.servers import aws_environment, dynoxide, running

Json = dict[str, Any]
Changes = Mapping[str, str]
Harm = Callable[[Neighbours], AbstractAsyncContextManager[Changes]]

FOREIGN_HOST = "nowhere.invalid"


class Ailment(Struct, frozen=True, kw_only=True):
    """What is wrong, how that comes about, and the line that tells of it.

    `beside` are the other parts that are not well either, for the same reason.
    """

    name: str
    harm: Harm
    part: str
    line: str
    mark: str = "FAIL"
    beside: frozenset[str] = frozenset()
    by_socket: bool = False


def setting(**changed: str) -> Harm:
    """Set something else than what would be right."""

    @asynccontextmanager
    async def harm(_: Neighbours) -> AsyncIterator[Changes]:
        yield changed

    return harm


def doing(*deeds: Callable[[Neighbours], object], **changed: str) -> Harm:
    """Do something at the neighbours', and perhaps set something else."""

    @asynccontextmanager
    async def harm(neighbours: Neighbours) -> AsyncIterator[Changes]:
        for deed in deeds:
            deed(neighbours)
        yield changed

    return harm


def fault(method: str, what: Fault) -> Harm:
    """Let Slack fail at this method."""
    return doing(lambda neighbours: neighbours.slack.web_api.faults.add(method, what, times=9))


@asynccontextmanager
async def a_page(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let a login page of the network stand before Slack."""
    assert neighbours

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome! Please log in", content_type="text/html")

    async with listening(answer) as port:
        yield {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}


@asynccontextmanager
async def a_talker(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let something that says yes to everything be in Slack's place."""
    assert neighbours

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async with listening(answer) as port:
        yield {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}


@asynccontextmanager
async def headers_taken(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let a proxy pass Slack's answers on without the headers that it doesn't know."""

    async def answer(request: web.Request) -> web.Response:
        url = f"{neighbours.slack.api_url}{request.match_info['path'].removeprefix('api/')}"
        headers = {"Authorization": request.headers["Authorization"]}
        async with (
            ClientSession() as session,
            session.request(request.method, url, params=request.query, headers=headers) as said,
        ):
            return web.Response(body=await said.read(), content_type="application/json")

    async with listening(answer) as port:
        yield {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}


@asynccontextmanager
async def an_impostor_of_slack(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let somebody who can't prove to be Slack stand before it."""
    assert neighbours

    async def answer(_: web.Request) -> web.Response:
        raise AssertionError("nothing may be said to an impostor")

    async with listening(answer, tls_context()) as port:
        yield {"SLACK_API_URL": f"https://localhost:{port}/api/"}


@asynccontextmanager
async def no_tls(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Look for TLS where there is none."""
    yield {"SLACK_API_URL": neighbours.slack.api_url.replace("http:", "https:")}


def chargepoint(answers: Mapping[str, str]) -> Harm:
    """Let ChargePoint answer what is written here."""

    @asynccontextmanager
    async def harm(_: Neighbours) -> AsyncIterator[Changes]:
        async with GoldenServer() as golden:
            golden.answers.update(answers)
            yield {"CHARGEPOINT_API_URL": golden.url}

    return harm


@asynccontextmanager
async def an_impostor_of_chargepoint(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let somebody who can't prove to be ChargePoint stand before it."""
    assert neighbours
    async with GoldenServer(tls_context()) as impostor:
        yield {"CHARGEPOINT_API_URL": impostor.url}
        assert impostor.asked == []


def stream(offered: Tls, wanted: Tls) -> Harm:
    """Let the server's kind of TLS and the bot's meet, with a certificate that nobody signed."""

    @asynccontextmanager
    async def harm(_: Neighbours) -> AsyncIterator[Changes]:
        async with small_stream(offered) as small:
            yield {
                "CHARGEPOINT_XMPP_JID": BOT,
                "CHARGEPOINT_XMPP_HOST": "localhost",
                "CHARGEPOINT_XMPP_PORT": str(small.link.port),
                "CHARGEPOINT_XMPP_TLS": wanted,
            }
            assert small.server.logins == 0

    return harm


@asynccontextmanager
async def a_port_that_hangs_up(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let something else listen where the stream should be."""
    assert neighbours

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield {"CHARGEPOINT_XMPP_PORT": str(server.sockets[0].getsockname()[1])}


@asynccontextmanager
async def a_stranger_on_the_port(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let something else have the port that the bot is to listen on."""
    assert neighbours

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    async with listening(answer, host="0.0.0.0") as port:  # noqa: S104 - where the bot listens
        yield {"PORT": str(port)}


@asynccontextmanager
async def a_bot_that_is_not_ready(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let a bot run that has not reached Slack."""
    nowhere = neighbours.settings(SLACK_API_URL=f"https://{FOREIGN_HOST}/api/")
    async with at_work(neighbours, settings=nowhere, ready=False) as bot:
        await until_slack_is_missed(bot)
        yield {"PORT": bot.url.rpartition(":")[2]}


def file_of(write: Callable[[Path], object]) -> Harm:
    """Put something else in the place of the queue's file."""
    return doing(lambda neighbours: write(neighbours.store))


def another_programs(path: Path) -> None:
    """Keep something else in an SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipe (name TEXT)")


@asynccontextmanager
async def a_locked_file(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Let an administrator's shell stand in the middle of a change."""
    store = await SqliteStore.open(neighbours.store, site=ROOM)
    await store.close()
    with closing(sqlite3.connect(neighbours.store)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        yield {}


TABLE = "ev-concierge"
EXPIRY = {"Enabled": False, "AttributeName": "expires"}
# The engine doesn't know this request; AWS would answer so.
UNRECOVERABLE = {
    "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }
}
RECOVERABLE = {
    "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
    }
}
REFUSAL = {"__type": "com.amazon.coral.service#AccessDeniedException", "message": "no"}
EVERYTHING = "*"


def dynamodb(said: Mapping[str, Json], *, table: bool = True, expiry: bool = True) -> Harm:
    """Keep the queue in an engine in whose place this is said to these requests."""

    @asynccontextmanager
    async def harm(_: Neighbours) -> AsyncIterator[Changes]:
        with running(dynoxide()) as engine, leading_to(engine.url):
            await asyncio.to_thread(make, table=table, expiry=expiry)
            async with listening(in_place_of(engine.url, said)) as port:
                with leading_to(f"http://127.0.0.1:{port}"):
                    yield {"QUEUE_STORE": f"dynamodb:{TABLE}"}

    return harm


def make(*, table: bool, expiry: bool) -> None:
    """Make the table, perhaps without letting go of what expires."""
    if table:
        list(create(TABLE))
    if not expiry:
        opened = Table(TABLE, patience=ADMINISTRATORS)
        opened.connect()
        opened.ask("update_time_to_live", {"TableName": TABLE, "TimeToLiveSpecification": EXPIRY})
        opened.close()


@contextmanager
def leading_to(url: str) -> Iterator[None]:
    """Lead the way of boto3, which reads the process's own environment, to this engine."""
    with pytest.MonkeyPatch.context() as environment:
        for name, text in aws_environment(url).items():
            environment.setenv(name, text)
        yield


def in_place_of(
    url: str, said: Mapping[str, Json]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answer some requests in the engine's place, and let it answer the others."""

    async def answer(request: web.Request) -> web.Response:
        kind = request.headers["X-Amz-Target"].rpartition(".")[2]
        told = said.get(kind, said.get(EVERYTHING))
        if told is not None:
            return web.json_response(told, status=400 if told is REFUSAL else 200)
        async with (
            ClientSession(auto_decompress=False) as session,
            session.post(url, data=await request.read(), headers=request.headers) as engine,
        ):
            return web.Response(body=await engine.read(), status=engine.status)

    return answer


@asynccontextmanager
async def no_region(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Forget to tell where on AWS the table is."""
    assert neighbours
    with leading_to("http://127.0.0.1:1"), pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_REGION")
        environment.delenv("AWS_DEFAULT_REGION", raising=False)
        yield {"QUEUE_STORE": f"dynamodb:{TABLE}"}


@asynccontextmanager
async def no_engine(neighbours: Neighbours) -> AsyncIterator[Changes]:
    """Look for DynamoDB where it is not."""
    assert neighbours
    with leading_to("http://127.0.0.1:1"):
        yield {"QUEUE_STORE": f"dynamodb:{TABLE}"}


def collector(status: int | None) -> Harm:
    """Send traces to a collector that answers so, or to nobody."""

    @asynccontextmanager
    async def harm(_: Neighbours) -> AsyncIterator[Changes]:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status or 500)

        async with listening(answer) as port:
            where = f"http://127.0.0.1:{port if status else 1}"
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", where)
                yield {"TRACE_EXPORTER": "otlp"}

    return harm


async def until_slack_is_missed(bot: Bot) -> None:
    """Wait until the bot knows that Slack is out of reach."""

    async def is_missed() -> bool:
        return "resolved" in (await bot.problems()).get("slack", "")

    await until(is_missed)


def nobody_at(variable: str, port: int = 1) -> Harm:
    """Lead to a port of this machine where nobody listens."""
    return setting(**{variable: f"http://127.0.0.1:{port}/"})


def unplugged(neighbours: Neighbours) -> None:
    """Let both stations fall silent."""
    for port in (EAST, WEST):
        neighbours.garage.set_status(port.station, port.number, "UNREACHABLE")


def trouble(operation: str, what: Trouble) -> Harm:
    """Let ChargePoint fail at this operation."""
    return doing(lambda neighbours: neighbours.network.soap.troubles.update({operation: what}))


def without(*scopes: str) -> Harm:
    """Let these scopes be declined."""
    return doing(lambda neighbours: neighbours.slack.set_up(scopes=SCOPES - {*scopes}))


def ahead(**delta: float) -> Harm:
    """Let this machine's clock be wrong."""
    return doing(lambda neighbours: neighbours.clock.turn(**delta))


WITHOUT_BOT = frozenset({"Slack team", "Slack scopes", "Slack room", "Slack admins"})
WITHOUT_SLACK = WITHOUT_BOT | {"Slack token", "Slack socket"}
WITHOUT_STATIONS = frozenset({"stations"})

SETTINGS = (
    Ailment(
        name="a setting is missing",
        harm=setting(SITE_TIMEZONE=""),
        part="settings",
        line="SITE_TIMEZONE is missing",
    ),
    Ailment(
        name="one of ChargePoint's settings is wrong",
        harm=setting(CHARGEPOINT_STATION_GROUP="garage"),
        part="settings",
        line="CHARGEPOINT_STATION_GROUP must be a station group's number",
        beside=frozenset({"ChargePoint"}),
    ),
    Ailment(
        name="one of Slack's settings is wrong",
        harm=setting(SLACK_CHANNEL="#ev-charging"),
        part="settings",
        line="SLACK_CHANNEL must be a channel's ID",
        beside=frozenset({"Slack", "store"}),
    ),
    Ailment(
        name="a token is missing",
        harm=setting(SLACK_BOT_TOKEN=""),
        part="settings",
        line="SLACK_BOT_TOKEN is missing: the bot's token. For example SLACK_BOT_TOKEN=xoxb-your-",
        beside=frozenset({"Slack", "store"}),
    ),
    Ailment(
        name="a setting is misspelt",
        harm=setting(SLACK_ADMIN=ADA),
        part="settings",
        line="did you mean SLACK_ADMINS?",
        mark="warn",
    ),
    Ailment(
        name="every day is quiet",
        harm=setting(QUIET_DAYS="Mon,Tue,Wed,Thu,Fri,Sat,Sun"),
        part="quiet times",
        line="nobody is ever reminded. Leave days out of QUIET_DAYS",
        mark="warn",
    ),
)

PORT = (
    Ailment(
        name="something else has the port",
        harm=a_stranger_on_the_port,
        part="port",
        line="taken by something that is not EV Concierge. Stop what listens there",
    ),
    Ailment(
        name="a bot runs and is not ready",
        harm=a_bot_that_is_not_ready,
        part="port",
        line="a bot that is running, and not ready (auth.test: the host's name can't be resolved",
        mark="warn",
    ),
)

STORE = tuple(
    Ailment(name=f"SQLite: {name}", harm=harm, part="store", line=line)
    for name, harm, line in (
        (
            "no such directory",
            setting(QUEUE_STORE="sqlite:/nowhere/queue.db"),
            "the directory /nowhere does not exist: make it first. See that the bot's own user",
        ),
        (
            "a directory that takes no file",
            setting(QUEUE_STORE="sqlite:/proc/queue.db"),
            "/proc can't be written to",
        ),
        ("noise", file_of(lambda path: path.write_bytes(b"noise" * 1000)), "is damaged"),
        (
            "another program's file",
            file_of(another_programs),
            "is not a store of EV Concierge; give it another path. Bring back what was there",
        ),
        ("the file is locked", a_locked_file, "SQLite can't do it now: database is locked. See"),
    )
)

DYNAMODB = (
    *(
        Ailment(name=f"DynamoDB: {name}", harm=harm, part="store", line=line)
        for name, harm, line in (
            ("no region", no_region, "AWS is not set up: You must specify a region. See to AWS's"),
            ("nobody there", no_engine, "DynamoDB can't be reached"),
            (
                "no table",
                dynamodb({}, table=False),
                "there is no table ev-concierge: make it with python -m queue_store create",
            ),
            (
                "credentials refused",
                dynamodb({EVERYTHING: REFUSAL}),
                "AWS refuses the credentials or what they are used for (AccessDeniedException)",
            ),
            (
                "no right to write",
                dynamodb({"TransactWriteItems": REFUSAL}),
                "AWS refuses the credentials or what they are used for (AccessDeniedException)",
            ),
        )
    ),
    Ailment(
        name="DynamoDB: the table was made by hand",
        harm=dynamodb({"DescribeContinuousBackups": UNRECOVERABLE}, expiry=False),
        part="store",
        line="nothing is kept yet; no deletion of what expires, no point-in-time recovery."
        " python -m queue_store create dynamodb:ev-concierge sees to it",
        mark="warn",
    ),
)

SLACK_UNREACHED = tuple(
    Ailment(name=f"Slack: {name}", harm=harm, part="Slack token", line=line, beside=WITHOUT_BOT)
    for name, harm, line in (
        ("the answer doesn't come", fault("auth.test", Hang()), "no answer in time. See that the"),
        ("too many calls", fault("auth.test", Limit(30)), "ratelimited. Try again in a minute"),
        ("trouble of its own", fault("auth.test", Break(502)), "HTTP 502. Try again later"),
        ("an error of its own", fault("auth.test", Refuse("fatal_error")), "fatal_error. Try"),
        ("token unknown", setting(SLACK_BOT_TOKEN="xoxb-other"), "does not know this token. On"),
        ("app taken out", fault("auth.test", Refuse("account_inactive")), "the app was taken out"),
        ("token revoked", fault("auth.test", Refuse("token_revoked")), "this token was revoked"),
        ("token expired", fault("auth.test", Refuse("token_expired")), "this token has expired"),
        (
            "token of another kind",
            fault("auth.test", Refuse("not_allowed_token_type")),
            "this is no bot's token",
        ),
        (
            "barred by the workspace",
            fault("auth.test", Refuse("team_access_not_granted")),
            "Slack refuses auth.test (team_access_not_granted). Ask an administrator",
        ),
        ("yes to everything", a_talker, "an answer that is not Slack's. Try again later"),
    )
)

SLACK_AWAY = tuple(
    Ailment(
        name=f"Slack: {name}",
        harm=harm,
        part="Slack token",
        line=line,
        beside=WITHOUT_SLACK,
        by_socket=True,
    )
    for name, harm, line in (
        (
            "no such host",
            setting(SLACK_API_URL=f"https://{FOREIGN_HOST}/api/"),
            "the host's name can't be resolved. See that this machine resolves names",
        ),
        ("nobody there", nobody_at("SLACK_API_URL"), "nobody listens there. See that the firewall"),
        ("no TLS", no_tls, "no TLS is spoken there. See that SLACK_API_URL is right"),
        ("impostor", an_impostor_of_slack, "the certificate is not trusted ("),
        ("login page in between", a_page, "Slack can't be asked: "),
    )
)

SLACK = (
    Ailment(
        name="another workspace",
        harm=setting(SLACK_TEAM="T0ELSEWHERE"),
        part="Slack team",
        line="SLACK_TEAM is not T0OFFICE, of which the token is. Set SLACK_TEAM to that, or take",
    ),
    Ailment(
        name="a scope that is needed",
        harm=without("chat:write", "commands"),
        part="Slack scopes",
        line="without chat:write (to say anything), commands (for /ev). On the app's page",
    ),
    Ailment(
        name="a scope that may be declined",
        harm=without("im:history"),
        part="Slack scopes",
        line="without im:history (no private message to it is heard, and its own may come twice)",
        mark="warn",
    ),
    Ailment(
        name="the scopes are not told",
        harm=headers_taken,
        part="Slack scopes",
        line="Slack does not say which were granted. Compare the app's scopes",
        mark="warn",
    ),
    Ailment(
        name="the bot was not invited",
        harm=doing(lambda neighbours: neighbours.slack.workspace.expel(BOT_USER)),
        part="Slack room",
        line="@ev_concierge is not in C0EVROOM. In that room, type /invite and this name",
    ),
    Ailment(
        name="no such room",
        harm=setting(SLACK_CHANNEL="C0NOWHERE"),
        part="Slack room",
        line="the bot sees no room C0NOWHERE. Copy the ID",
    ),
    Ailment(
        name="the room's history was declined",
        harm=without("channels:history"),
        part="Slack room",
        line="whether the bot is in it can't be seen with these scopes. Look into the room's list",
        mark="warn",
        beside=frozenset({"Slack scopes"}),
    ),
    Ailment(
        name="the room can't be asked about",
        harm=fault("conversations.history", Break(503)),
        part="Slack room",
        line="Slack can't be asked: HTTP 503",
    ),
    Ailment(
        name="no admin is right",
        harm=doing(
            lambda neighbours: neighbours.slack.workspace.dismiss(GRACE),
            SLACK_ADMINS=f"U0NOBODY,{GRACE},{BOT_USER}",
        ),
        part="Slack admins",
        line="U0BOT (a bot), U0GRACE (has left), U0NOBODY (unknown here). Set SLACK_ADMINS",
    ),
    Ailment(
        name="one admin has left",
        harm=doing(
            lambda neighbours: neighbours.slack.workspace.dismiss(GRACE),
            SLACK_ADMINS=f"{ADA},{GRACE}",
        ),
        part="Slack admins",
        line="U0GRACE (has left). Set SLACK_ADMINS",
        mark="warn",
    ),
    Ailment(
        name="people can't be looked up",
        harm=doing(
            lambda neighbours: neighbours.slack.set_up(scopes=SCOPES - {"users:read"}),
            SLACK_ADMINS=ADA,
        ),
        part="Slack admins",
        line="this takes a scope that was not granted. See to Slack scopes first",
        beside=frozenset({"Slack scopes"}),
    ),
    Ailment(
        name="odd signing secret",
        harm=setting(SLACK_SIGNING_SECRET="Zm9vYmFyYmF6cXV4"),
        part="Slack HTTP",
        line="the signing secret is not one of Slack's 32 hexadecimal digits. Copy it anew",
        mark="warn",
    ),
)

SOCKET = tuple(
    Ailment(name=f"Socket Mode: {name}", harm=harm, part="Slack socket", line=line, by_socket=True)
    for name, harm, line in (
        ("token unknown", setting(SLACK_APP_TOKEN="xapp-1-other"), "does not know the app's token"),
        (
            "token of another app",
            doing(lambda neighbours: neighbours.slack.set_up(app_token="xapp-1-A0OTHER-1-ff")),
            "SLACK_APP_TOKEN is of app A0OTHER, SLACK_BOT_TOKEN of app A0EV. Take both from the",
        ),
        (
            "token without its scope",
            doing(lambda neighbours: neighbours.slack.set_up(app_scopes=frozenset())),
            "the app's token lacks connections:write. On the app's page Basic Information",
        ),
        (
            "token revoked",
            fault("apps.connections.open", Refuse("token_revoked")),
            "the app's token was revoked",
        ),
        (
            "token of another kind",
            fault("apps.connections.open", Refuse("not_allowed_token_type")),
            "SLACK_APP_TOKEN is no app's token",
        ),
        (
            "turned off",
            fault("apps.connections.open", Refuse("access_denied")),
            "Slack refuses apps.connections.open (access_denied). On the app's page Socket Mode",
        ),
        (
            "no answer",
            fault("apps.connections.open", Hang()),
            "Slack can't be asked: no answer in time",
        ),
    )
)

SOAP = tuple(
    Ailment(name=f"SOAP: {name}", harm=harm, part="SOAP login", line=line, beside=WITHOUT_STATIONS)
    for name, harm, line in (
        (
            "credentials refused",
            trouble(EVERY_OPERATION, Trouble.REFUSES_CREDENTIALS),
            "does not accept the licence key and its password. See to CHARGEPOINT_API_KEY",
        ),
        (
            "no such host",
            setting(CHARGEPOINT_API_URL=f"https://{FOREIGN_HOST}/services/5.0"),
            "the host's name can't be resolved. See that this machine resolves names",
        ),
        ("nobody there", nobody_at("CHARGEPOINT_API_URL"), "nobody listens there. Try again later"),
        ("impostor", an_impostor_of_chargepoint, "the certificate is not trusted ("),
        (
            "no answer",
            trouble(EVERY_OPERATION, Trouble.HANGS),
            "getStations was not answered in time. See that the firewall",
        ),
        ("trouble of its own", trouble(EVERY_OPERATION, Trouble.FAILS), "HTTP 503. Try again"),
        (
            "something else answers",
            trouble(EVERY_OPERATION, Trouble.TALKS_GARBAGE),
            "HTTP 200 without a SOAP envelope. See to CHARGEPOINT_API_URL",
        ),
        (
            "call not allowed",
            trouble(EVERY_OPERATION, Trouble.DENIES_ACCESS),
            "ChargePoint refuses: 101: Access denied. Ask ChargePoint for a plan",
        ),
        (
            "another refusal",
            chargepoint({"getStations": answer("getStations", "<responseCode>133</responseCode>")}),
            "ChargePoint refuses: 133. Try again later",
        ),
    )
)

STATIONS = (
    Ailment(
        name="no station in the group",
        harm=setting(CHARGEPOINT_STATION_GROUP="12"),
        part="stations",
        line="there are none in group 12. Set CHARGEPOINT_STATION_GROUP to the number (sgID)",
    ),
    Ailment(
        name="the status can't be read",
        harm=trouble("getStationStatus", Trouble.DENIES_ACCESS),
        part="stations",
        line="Ask ChargePoint for a plan",
    ),
    Ailment(
        name="the reading takes too long",
        harm=trouble("getStationStatus", Trouble.HANGS),
        part="stations",
        line="not known after 5 seconds. Try again in a while",
    ),
    Ailment(
        name="no station answers",
        harm=doing(unplugged),
        part="stations",
        line="2 with 2 ports: 2 unreachable. Ask whoever looks after the stations",
        mark="warn",
    ),
    Ailment(
        name="who is plugged in is not told",
        harm=trouble("getLoad", Trouble.DENIES_ACCESS),
        part="stations",
        line="who is plugged in may not be read. Ask ChargePoint for the right to call getLoad",
        mark="warn",
    ),
    Ailment(
        name="since when is not told",
        harm=trouble("getChargingSessionData", Trouble.DENIES_ACCESS),
        part="stations",
        line="since when cars charge may not be read. Ask ChargePoint",
        mark="warn",
    ),
)

STREAM = tuple(
    Ailment(name=f"XMPP: {name}", harm=harm, part="XMPP login", line=line)
    for name, harm, line in (
        ("wrong password", setting(CHARGEPOINT_XMPP_PASSWORD="wrong"), "refuses our credentials"),
        ("server without TLS", stream("none", "starttls"), "no login that is allowed with this"),
        ("TLS on the wrong port", stream("none", "direct"), "does not speak TLS on this port"),
        ("STARTTLS on the TLS port", stream("direct", "starttls"), "closed the connection. See to"),
        ("impostor by STARTTLS", stream("starttls", "starttls"), "certificate is not trusted ("),
        ("impostor by TLS", stream("direct", "direct"), "certificate is not trusted ("),
        (
            "no such host",
            setting(CHARGEPOINT_XMPP_HOST=FOREIGN_HOST, CHARGEPOINT_XMPP_TLS="starttls"),
            "the name of the XMPP server can't be resolved. See that this machine",
        ),
        ("nobody there", setting(CHARGEPOINT_XMPP_PORT="1"), "can't be reached. See that the fire"),
        (
            "no answer",
            doing(lambda neighbours: neighbours.network.xmpp.freeze()),
            "the XMPP server does not answer. See that the firewall",
        ),
        ("something else answers", a_port_that_hangs_up, "closed the connection. See to"),
    )
)

CLOCK = (
    Ailment(
        name="clock a little ahead",
        harm=ahead(minutes=2),
        part="clock",
        line="2.0 minutes ahead of",
        mark="warn",
    ),
    Ailment(
        name="clock far behind",
        harm=ahead(minutes=-6),
        part="clock",
        line="6.0 minutes behind Slack's; beyond five minutes Slack's requests are refused",
    ),
    Ailment(
        name="nobody tells the time",
        harm=setting(
            SLACK_API_URL=f"https://{FOREIGN_HOST}/", CHARGEPOINT_API_URL=f"https://{FOREIGN_HOST}/"
        ),
        part="clock",
        line="nobody answered, so that it can't be compared. See that the machine keeps time",
        mark="warn",
        beside=WITHOUT_SLACK | {"SOAP login", "stations"},
        by_socket=True,
    ),
)

TRACES = tuple(
    Ailment(name=f"traces: {name}", harm=harm, part="traces", line=line)
    for name, harm, line in (
        (
            "no daemon",
            setting(TRACE_EXPORTER="xray", AWS_XRAY_DAEMON_ADDRESS="127.0.0.1:1"),
            "X-Ray daemon at 127.0.0.1:1: nobody listens there for UDP. Start the X-Ray daemon",
        ),
        (
            "no such host",
            setting(TRACE_EXPORTER="xray", AWS_XRAY_DAEMON_ADDRESS=f"{FOREIGN_HOST}:2000"),
            "the daemon's name can't be resolved",
        ),
        (
            "no way there",
            setting(TRACE_EXPORTER="xray", AWS_XRAY_DAEMON_ADDRESS="255.255.255.255:2000"),
            "nothing can be sent there (Permission denied)",
        ),
        ("no collector", collector(None), "did not take an empty delivery. See to OTEL_EXPORTER"),
        ("collector refuses", collector(403), "did not take an empty delivery. See to OTEL_EXPOR"),
    )
)

AILMENTS = (
    *SETTINGS,
    *PORT,
    *STORE,
    *DYNAMODB,
    *SLACK_AWAY,
    *SLACK_UNREACHED,
    *SLACK,
    *SOCKET,
    *SOAP,
    *STATIONS,
    *STREAM,
    *CLOCK,
    *TRACES,
)
