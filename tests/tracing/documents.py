"""What AWS documents of segment documents, as checks: form, limits, and one tree for each trace.

They are stricter than X-Ray where our own documents have no reason to use what it allows:
nothing unknown is in them, and a URL is a host. In the shapes, what is required has a `!`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]
Check = Callable[[Any], bool]

HEADER = b'{"format":"json","version":1}\n'
MOST_OF_UDP = 65_507
MOST_OF_XRAY = 64 * 1024
OLDEST, NEWEST = timedelta(days=28), timedelta(minutes=5)

ID = re.compile(r"[0-9a-f]{16}")
TRACE_ID = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
# X-Ray takes letters of all languages; our names are English.
NAME = re.compile(r"[A-Za-z0-9_.:/%&#=+@ -]{1,200}")
KEY = re.compile(r"[A-Za-z0-9_]{1,500}")
HOST_ONLY = re.compile(r"https?://[^/?#@]+")


class Wrong(Exception):
    """A document that X-Ray would refuse or misread."""


def checked(datagram: bytes, *, now: datetime | None = None) -> Document:
    """Answer the document in a datagram to the daemon, if all of it is right.

    Raises:
        Wrong: it is not.
    """
    _require(datagram.startswith(HEADER), "it begins with the daemon's header")
    body = datagram.removeprefix(HEADER)
    _require(len(datagram) <= MOST_OF_UDP, "it fits into a datagram")
    _require(len(body) <= MOST_OF_XRAY, "it is no longer than X-Ray takes")
    document: Document = _strictly_read(body)
    _check(document, _SUBSEGMENT if "type" in document else _SEGMENT, "document")
    _check_times(document, now or datetime.now(UTC))  # noqa: TID251 - X-Ray's own clock
    _check_exceptions(document.get("cause", {}).get("exceptions", []))
    return document


def trees(documents: Iterable[Document]) -> dict[str, Document]:
    """Answer the segment of each trace, if every trace is one tree without orphans.

    Raises:
        Wrong: one is not.
    """
    traces = defaultdict(list)
    for document in documents:
        traces[document["trace_id"]].append(document)
    return {reference: _root(trace) for reference, trace in traces.items()}


def _root(trace: list[Document]) -> Document:
    ids = [document["id"] for document in trace]
    roots = [document for document in trace if "type" not in document]
    _require(len(set(ids)) == len(ids), "each piece of work has an ID of its own")
    _require(len(roots) == 1, "a trace has one segment")
    orphans = [each["name"] for each in trace if each.get("parent_id") not in {None, *ids}]
    _require(not orphans, f"every parent is there, also that of {orphans}")
    _require(all("parent_id" in each for each in trace if "type" in each), "steps have parents")
    return roots[0]


def _strictly_read(body: bytes) -> Any:  # noqa: ANN401 # JSON
    def refuse(word: str) -> None:
        raise Wrong(f"{word} is no JSON")

    def once(pairs: list[tuple[str, Any]]) -> Document:
        _require(len(dict(pairs)) == len(pairs), "no key comes twice")
        return dict(pairs)

    try:
        return json.loads(body.decode(), parse_constant=refuse, object_pairs_hook=once)
    except ValueError as error:
        raise Wrong(f"it is JSON: {error}") from error


def _check_times(document: Document, now: datetime) -> None:
    _require(document["start_time"] <= document["end_time"], "it ends after it began")
    second = TRACE_ID.fullmatch(document["trace_id"])
    assert second
    began = datetime.fromtimestamp(int(second[1], 16), UTC)
    _require(now - OLDEST <= began <= now + NEWEST, "its trace ID begins with the time")


def _check_exceptions(exceptions: list[Document]) -> None:
    ids = [each["id"] for each in exceptions]
    _require(len(set(ids)) == len(ids), "each exception has an ID of its own")
    _require(all(each.get("cause") in {None, *ids} for each in exceptions), "causes are told")


def _check(value: Any, shape: Any, where: str) -> None:  # noqa: ANN401 # JSON
    if not isinstance(shape, Mapping):
        _require(shape(value), f"{where} is right, and is {str(value)[:100]!r}")
        return
    _require(isinstance(value, dict), f"{where} is an object")
    known = {key.removesuffix("!"): part for key, part in shape.items()}
    _require(set(value) <= set(known), f"{where} has nothing else than {sorted(known)}")
    missing = {key.removesuffix("!") for key in shape if key.endswith("!")} - set(value)
    _require(not missing, f"{where} has {sorted(missing)}")
    for key in value:
        _check(value[key], known[key], f"{where}.{key}")


def _require(holds: object, what: str) -> None:
    if not holds:
        raise Wrong(f"not so: {what}")


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and 0 < len(value) <= longest


def _like(pattern: re.Pattern[str], longest: int = 1000) -> Check:
    return lambda value: _text(longest)(value) and pattern.fullmatch(value) is not None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _true(value: object) -> bool:
    return value is True


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _list(of: Any, most: int) -> Check:  # noqa: ANN401 # a shape
    def check(value: object) -> bool:
        _require(isinstance(value, list) and 0 < len(value) <= most, f"at most {most}")
        assert isinstance(value, list)
        for each in value:
            _check(each, of, "each")
        return True

    return check


def _annotations(value: object) -> bool:
    _require(isinstance(value, dict) and 0 < len(value) <= 50, "there are at most 50 annotations")
    assert isinstance(value, dict)
    return all(
        KEY.fullmatch(key) and (_number(each) or isinstance(each, bool) or _text(1000)(each))
        for key, each in value.items()
    )


def _metadata(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


_FRAME = {"path!": _text(5000), "line!": _whole, "label": _text(5000)}
_EXCEPTION = {
    "id!": _like(ID),
    "type": _text(250),
    "message": _text(1000),
    "remote": _true,
    "cause": _like(ID),
    "stack": _list(_FRAME, 50),
    "truncated": _whole,
}
_ANY = {
    "id!": _like(ID),
    "trace_id!": _like(TRACE_ID),
    "name!": _like(NAME, 200),
    "start_time!": _number,
    "end_time!": _number,
    "error": _true,
    "throttle": _true,
    "fault": _true,
    "http": {
        "request": {"method": _text(250), "url": _like(HOST_ONLY, 250)},
        "response": {"status": _whole},
    },
    "cause": {"exceptions!": _list(_EXCEPTION, 50)},
    "annotations": _annotations,
    "metadata": _metadata,
}
_SEGMENT = {
    **_ANY,
    "parent_id": _like(ID),
    "user": _text(250),
    "service": {"version": _text(250)},
    "origin": _one_of("AWS::ElasticBeanstalk::Environment"),
    "aws": {
        "elastic_beanstalk": {
            "environment_name": _text(250),
            "version_label": _text(250),
            "deployment_id": _whole,
        }
    },
}
_SUBSEGMENT = {
    **_ANY,
    "type!": _one_of("subsegment"),
    "parent_id!": _like(ID),
    "namespace": _one_of("aws", "remote"),
    "aws": {
        "operation": _text(250),
        "region": _text(250),
        "request_id": _text(250),
        "table_name": _text(250),
    },
}
