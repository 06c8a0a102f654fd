"""The checks of documents are themselves checked: a right one passes, each wrong one doesn't."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.tracing.documents import HEADER, Wrong, checked, trees

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TRACE = f"1-{int(NOW.timestamp()):08x}-000102030405060708090a0b"

Document = dict[str, Any]


def segment() -> Document:
    """Answer a right segment, with everything in it."""
    return {
        "name": "ev-concierge",
        "id": "00000000000000a1",
        "trace_id": TRACE,
        "start_time": NOW.timestamp(),
        "end_time": NOW.timestamp() + 0.25,
        "user": "3f2a91c0d4e5",
        "service": {"version": "0.1.0"},
        "origin": "AWS::ElasticBeanstalk::Environment",
        "aws": {
            "elastic_beanstalk": {
                "environment_name": "ev",
                "version_label": "v7",
                "deployment_id": 7,
            }
        },
        "fault": True,
        "cause": {
            "exceptions": [
                {"id": "00000000000000a2", "type": "A", "message": "a", "cause": "0" * 15 + "1"},
                {"id": "0" * 15 + "1", "stack": [{"path": "a.py", "line": 1, "label": "f"}]},
            ]
        },
        "annotations": {"command": "JoinRequested", "conflicts": 0, "late": False},
        "metadata": {"default": {"revision": 7}},
    }


def subsegment() -> Document:
    """Answer a right subsegment."""
    return {
        "type": "subsegment",
        "name": "DynamoDB",
        "id": "00000000000000b1",
        "parent_id": "00000000000000a1",
        "trace_id": TRACE,
        "start_time": NOW.timestamp(),
        "end_time": NOW.timestamp(),
        "namespace": "aws",
        "http": {"request": {"method": "POST", "url": "https://slack.com"}},
        "aws": {"operation": "GetItem", "region": "eu-central-1", "table_name": "ev"},
    }


def sent(document: Document) -> bytes:
    """Answer the document as it is sent."""
    return HEADER + json.dumps(document).encode()


def changed(document: Document, path: str, value: object) -> Document:
    """Answer the document with another value in one place, or without any."""
    *way, last = path.split(".")
    part: Any = document
    for key in way:
        part = part[int(key) if key.isdigit() else key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return document


@pytest.mark.parametrize("make", [segment, subsegment])
def test_a_right_document_is_right(make: Callable[[], Document]) -> None:
    assert checked(sent(make()), now=NOW) == make()


WRONG: list[tuple[str, object]] = [
    ("name", ""),
    ("name", None),
    ("name", "é" * 3),
    ("name", "a" * 201),
    ("name", "tab\there"),
    ("id", "abc"),
    ("id", "00000000000000AZ"),
    ("trace_id", "000102030405060708090a0b0c0d0e0f"),
    ("trace_id", TRACE.replace("1-", "2-", 1)),
    ("start_time", "now"),
    ("end_time", None),
    ("end_time", NOW.timestamp() - 1),
    ("user", "u" * 251),
    ("fault", 1),
    ("fault", False),
    ("namespace", "aws"),
    ("service", {"name": "x"}),
    ("origin", "AWS::EC2::Instance"),
    ("aws.elastic_beanstalk.deployment_id", "7"),
    ("cause.exceptions.0.id", None),
    ("cause.exceptions.0.id", "0" * 15 + "1"),
    ("cause.exceptions.0.cause", "0" * 16),
    ("cause.exceptions.0.message", "m" * 1001),
    ("cause.exceptions.1.stack", [{"path": "a.py", "line": "1"}]),
    ("cause.exceptions.1.stack", [{"path": "a.py", "line": 1}] * 51),
    ("annotations", {"dotted.key": 1}),
    ("annotations", {"key": ["list"]}),
    ("annotations", {"key": "v" * 1001}),
    ("annotations", {f"key{number}": number for number in range(51)}),
    ("metadata", "text"),
    ("metadata", {"default": "text"}),
    ("metadata.default", {"long": "x" * 65_536}),
    ("parent_id", "abc"),
    ("unheard_of", 1),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_segment_is_refused(path: str, value: object) -> None:
    with pytest.raises(Wrong):
        checked(sent(changed(segment(), path, value)), now=NOW)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("parent_id", None),
        ("type", "segment"),
        ("namespace", "local"),
        ("user", "somebody"),
        ("origin", "AWS::ElasticBeanstalk::Environment"),
        ("aws.account", "1"),
        ("http.request.url", "https://hooks.slack.com/commands/T0"),
        ("http.request.url", "https://user@slack.com"),
        ("http.response", {"status": "200"}),
    ],
)
def test_a_wrong_subsegment_is_refused(path: str, value: object) -> None:
    with pytest.raises(Wrong):
        checked(sent(changed(subsegment(), path, value)), now=NOW)


@pytest.mark.parametrize(
    "datagram",
    [
        json.dumps(segment()).encode(),
        b'{"format": "json", "version": 1}\n' + json.dumps(segment()).encode(),
        sent(segment())[:-1],
        sent(segment()).replace(b'"revision": 7', b'"revision": NaN'),
        sent(segment()).replace(b'"revision": 7', b'"revision": 7, "revision": 8'),
        HEADER + b"[]",
        HEADER + b"\xff",
    ],
)
def test_a_wrong_datagram_is_refused(datagram: bytes) -> None:
    with pytest.raises(Wrong):
        checked(datagram, now=NOW)


@pytest.mark.parametrize("now", [NOW + timedelta(days=29), NOW - timedelta(minutes=6)])
def test_a_trace_of_another_time_is_refused(now: datetime) -> None:
    """X-Ray takes them from four weeks ago to five minutes ahead."""
    with pytest.raises(Wrong):
        checked(sent(segment()), now=now)


def test_a_trace_is_one_tree() -> None:
    assert trees([subsegment(), segment()]) == {TRACE: segment()}


@pytest.mark.parametrize(
    "documents",
    [
        [subsegment()],
        [segment(), {**segment(), "id": "00000000000000a9"}],
        [segment(), segment()],
        [segment(), {**subsegment(), "parent_id": "00000000000000ff"}],
    ],
)
def test_a_trace_that_is_no_tree_is_refused(documents: list[Document]) -> None:
    """A step without its unit is shown by X-Ray as a trace that nobody understands."""
    with pytest.raises(Wrong):
        trees(documents)
