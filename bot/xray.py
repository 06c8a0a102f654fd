"""Spans as segment documents, which is how AWS X-Ray takes them.

A unit is a segment and each of its steps a subsegment; each is a document of its own, and a
subsegment names its parent. Every part of a document is within its documented limits; how long
it may be as a whole is for whoever sends it.

Nothing is hidden here: whoever exports spans has the secrets taken out of them before.
"""

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from bot.reference import reference
from bot.tracebacks import Frame, Raised, raised

# The attribute that lists the attributes to index.
INDEXED = "aws.xray.annotations"
THROTTLED = "throttled"

MOST_ANNOTATIONS = 50
MOST_EXCEPTIONS = 10
MOST_FRAMES = 50
LONGEST_NAME = 200
LONGEST_KEY = 500
LONGEST_ANNOTATION = 1000
LONGEST_TEXT = 250

_BEANSTALK = "AWS::ElasticBeanstalk::Environment"
# What the blocks of a document tell already.
_IN_BLOCKS = {
    INDEXED,
    "aws.dynamodb.table_names",
    "aws.request_id",
    "cloud.region",
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.status_code",
    "http.url",
    "peer.service",
    "rpc.service",
    "rpc.system",
    "server.address",
    "url.full",
}
_UNKNOWN: tuple[object, ...] = (None, "", {}, [])
_STATUSES = range(100, 600)
_CLIENT_ERROR, _TOO_MANY, _SERVER_FAULT = 400, 429, 500

Attributes = Mapping[str, AttributeValue]
Document = dict[str, Any]


class Deployment(Struct, frozen=True, kw_only=True):
    """Which version runs in which environment of Elastic Beanstalk's."""

    environment_name: str
    version_label: str
    deployment_id: int


def segment_document(span: ReadableSpan, deployment: Deployment | None = None) -> Document:
    """Answer the span's document, however long."""
    attributes = span.attributes or {}
    begin = (span.start_time or 0) / 1e9
    segment = span.parent is None or span.kind is SpanKind.SERVER
    return _known(
        id=f"{span.context.span_id:016x}",
        trace_id=reference(span.context.trace_id),
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        start_time=begin,
        # A clock that was set back meanwhile must not make the end precede the beginning.
        end_time=max(begin, (span.end_time or 0) / 1e9),
        http=_http(attributes),
        cause=_cause(span),
        annotations=_annotations(attributes),
        metadata=_metadata(attributes),
        **_outcome(span, attributes),
        **(_of_segment(span, attributes, deployment) if segment else _of_step(span, attributes)),
    )


def _of_segment(
    span: ReadableSpan, attributes: Attributes, deployment: Deployment | None
) -> Document:
    about = span.resource.attributes
    return {
        "name": _name(about.get("service.name") or span.name),
        "user": _text(attributes.get("driver")),
        "service": _known(version=_text(about.get("service.version"))),
        "origin": _BEANSTALK if deployment else None,
        "aws": _deployed(deployment) if deployment else None,
    }


def _deployed(deployment: Deployment) -> Document:
    deployed = _known(
        environment_name=_text(deployment.environment_name),
        version_label=_text(deployment.version_label),
        deployment_id=deployment.deployment_id,
    )
    return {"elastic_beanstalk": deployed}


def _of_step(span: ReadableSpan, attributes: Attributes) -> Document:
    aws = attributes.get("rpc.system") == "aws-api"
    called = span.kind is SpanKind.CLIENT
    return {
        "type": "subsegment",
        "name": _name((_peer(attributes) if called else None) or span.name),
        "namespace": "aws" if aws else "remote" if called else None,
        "aws": _aws(attributes) if aws else None,
    }


def _peer(attributes: Attributes) -> object:
    """Name the service that was asked."""
    named = (attributes.get(name) for name in ("peer.service", "rpc.service", "server.address"))
    return next(filter(None, named), None) or urlsplit(_url(attributes)).hostname


def _aws(attributes: Attributes) -> Document:
    tables = attributes.get("aws.dynamodb.table_names")
    return _known(
        operation=_text(attributes.get("rpc.method")),
        region=_text(attributes.get("cloud.region")),
        request_id=_text(attributes.get("aws.request_id")),
        table_name=_text(next(iter(tables), None) if isinstance(tables, tuple) else tables),
    )


def _http(attributes: Attributes) -> Document:
    method = attributes.get("http.request.method") or attributes.get("http.method")
    return _known(
        request=_known(method=_text(method), url=_text(_host_only(_url(attributes)))),
        response=_known(status=_status(attributes)),
    )


def _status(attributes: Attributes) -> int | None:
    status = attributes.get("http.response.status_code") or attributes.get("http.status_code")
    if isinstance(status, bool) or not isinstance(status, int):
        return None
    return int(status) if status in _STATUSES else None


def _url(attributes: Attributes) -> str:
    url = str(attributes.get("url.full") or attributes.get("http.url") or "")
    try:
        urlsplit(url).port  # noqa: B018 - it complains only when asked
    except ValueError:
        return ""
    return url


def _host_only(url: str) -> str:
    """Answer the URL without its path, its query and its user, each of which may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""


def _outcome(span: ReadableSpan, attributes: Attributes) -> Document:
    status = _status(attributes) or 0
    failed = span.status.status_code is StatusCode.ERROR
    error = _CLIENT_ERROR <= status < _SERVER_FAULT
    throttled = status == _TOO_MANY or attributes.get(THROTTLED) is True
    return {
        "error": error or (failed and throttled) or None,
        "throttle": throttled or None,
        "fault": status >= _SERVER_FAULT or (failed and not (error or throttled)) or None,
    }


def _cause(span: ReadableSpan) -> Document:
    """Tell what went wrong last, and what caused it."""
    told = [event.attributes or {} for event in span.events if event.name == "exception"]
    if not told:
        return {}
    text = str(told[-1].get("exception.stacktrace", ""))
    message = str(told[-1].get("exception.message", ""))
    chain = raised(text, kind=str(told[-1].get("exception.type", "")), message=message)
    chain = chain[:MOST_EXCEPTIONS]
    ids = [f"{(span.context.span_id + n) % 2**64:016x}" for n in range(1, len(chain) + 1)]
    remote = True if span.kind is SpanKind.CLIENT else None
    return {
        "exceptions": [
            _known(id=id_, cause=cause, remote=remote, **_exception(each))
            for each, id_, cause in zip(chain, ids, [*ids[1:], None], strict=True)
        ]
    }


def _exception(each: Raised) -> Document:
    dropped = len(each.stack) - MOST_FRAMES
    return {
        "type": _text(each.kind),
        "message": _text(each.message, LONGEST_ANNOTATION),
        "stack": [_frame(frame) for frame in each.stack[:MOST_FRAMES]],
        "truncated": dropped if dropped > 0 else None,
    }


def _frame(frame: Frame) -> Document:
    return _known(path=frame.path, line=frame.line, label=frame.label)


def _annotations(attributes: Attributes) -> Document:
    named = [name for name in _indexed(attributes) if attributes.get(name) not in _UNKNOWN]
    return {_key(name): _indexable(attributes[name]) for name in named[:MOST_ANNOTATIONS]}


def _metadata(attributes: Attributes) -> Document:
    told = _IN_BLOCKS.union(_indexed(attributes))
    rest = {name: _plain(value) for name, value in attributes.items() if name not in told}
    return {"default": rest} if rest else {}


def _indexed(attributes: Attributes) -> tuple[str, ...]:
    names = attributes.get(INDEXED)
    return tuple(map(str, filter(None, names))) if isinstance(names, tuple) else ()


def _key(name: object) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", str(name))[:LONGEST_KEY]


def _indexable(value: object) -> str | float | bool:
    plain = _plain(value)
    return plain if isinstance(plain, bool | int | float) else str(plain)[:LONGEST_ANNOTATION]


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [*map(_plain, value)]
    # JSON has no words for floats that are not finite.
    known = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if known else str(value)


def _name(text: object) -> str:
    return re.sub(r"[^A-Za-z0-9_.:/%&#=+@ -]", "", str(text))[:LONGEST_NAME].strip() or "unnamed"


def _text(value: object, longest: int = LONGEST_TEXT) -> str | None:
    return None if value is None else str(value)[:longest]


def _known(**parts: object) -> Document:
    """Leave out what is not known, and what would be empty."""
    return {name: value for name, value in parts.items() if value not in _UNKNOWN}
