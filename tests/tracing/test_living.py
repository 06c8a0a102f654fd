"""A short life of the real bot, as X-Ray sees it: whole, within all limits, and without secrets."""

import asyncio
from collections.abc import Iterator

import pytest

from playground.dynamodb import ENGINE
from playground.settings import API_KEY, API_PASSWORD
from playground.slack.options import Options
from tests.queue_store.servers import running
from tests.tracing.documents import Document, checked, trees
from tests.tracing.living import KINDS, live
from tests.tracing.moto import XRayApi, moto


@pytest.fixture(scope="module")
def datagrams(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Let the bot live once, with its queue in DynamoDB where that is to be had."""
    folder = tmp_path_factory.mktemp("living")
    return asyncio.run(live(folder, in_dynamodb=ENGINE.exists()))


@pytest.fixture(scope="module")
def documents(datagrams: list[bytes]) -> list[Document]:
    return [checked(datagram) for datagram in datagrams]


@pytest.fixture(scope="module")
def x_ray() -> Iterator[XRayApi]:
    with running(moto()) as server:
        yield XRayApi(server.url)


def test_every_kind_of_work_is_one_tree(documents: list[Document]) -> None:
    roots = trees(documents).values()

    assert {root["annotations"]["unit"] for root in roots} == KINDS


def test_every_kind_of_call_is_among_them(documents: list[Document]) -> None:
    called = {document["name"] for document in documents if document.get("namespace")}

    assert called >= {"Slack", "ChargePoint", "ChargePoint XMPP"}
    assert ("DynamoDB" in called) is ENGINE.exists()
    assert [each["http"]["response"]["status"] for each in documents if "throttle" in each] == [429]


def test_what_was_decided_leads_to_what_was_said(documents: list[Document]) -> None:
    roots = trees(documents)
    caused = [root["annotations"]["caused_by"] for root in roots.values() if _was_left(root)]

    assert caused
    assert set(caused) <= roots.keys()


def test_no_secret_and_nobody_is_in_them(datagrams: list[bytes]) -> None:
    text = b"".join(datagrams).decode()
    secrets = (Options().bot_token, Options().signing_secret, API_KEY, API_PASSWORD)

    assert not [each for each in (*secrets, "/respond/", "U0ADA", "U0GRACE") if each in text]


def test_x_rays_own_api_takes_them_and_gives_them_back(
    documents: list[Document], x_ray: XRayApi
) -> None:
    """Ours are the rules that were checked; that API is somebody else's."""
    assert x_ray.put(documents) == []

    given_back = x_ray.get([*trees(documents)])

    assert trees(given_back) == trees(documents)
    assert sorted(given_back, key=_id) == sorted(documents, key=_id)


def _was_left(root: Document) -> bool:
    return "caused_by" in root["annotations"]


def _id(document: Document) -> str:
    return str(document["id"])
