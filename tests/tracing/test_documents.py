"""Units and steps as X-Ray gets them, within its limits whatever happens to be in them."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, get_tracer
from opentelemetry.util.types import AttributeValue

from bot.clock import SystemClock
from bot.datagrams import datagram
from bot.tracing import call, current, origin, step, unit
from bot.xray import INDEXED, Deployment, segment_document
from queue_store.errors import Conflict
from queue_store.tracing import step as store_step
from tests.tracing.documents import checked, trees
from tests.tracing.gathering import Spans, documents, flags

IN_DYNAMODB: dict[str, str | list[str]] = {
    "rpc.system": "aws-api",
    "rpc.service": "DynamoDB",
    "rpc.method": "GetItem",
    "aws.dynamodb.table_names": ["ev-concierge"],
    "cloud.region": "eu-central-1",
}


def dive(depth: int) -> None:
    """Fail deep down."""
    if depth == 0:
        raise LookupError("nothing is here")
    dive(depth - 1)


def ping(depth: int) -> None:
    """Dive in turns, since Python folds what repeats itself."""
    if depth == 0:
        dive(0)
    pong(depth - 1)


def pong(depth: int) -> None:
    """Take the other turn."""
    ping(depth)


def fail_by_cause() -> None:
    """Fail, because something else did."""
    try:
        dive(2)
    except LookupError as error:
        raise RuntimeError("so this can't be done:\nit is a pity") from error


def test_a_unit_is_a_segment_with_its_steps_below_it(spans: Spans) -> None:
    with unit("/ev", command="JoinRequested", conflicts=0) as work:
        with step("load", revision=7), store_step("SQLite load", {}):
            pass
        work.annotate(outcome="Joined")

    store, load, command = documents(spans)

    assert trees([store, load, command]) == {command["trace_id"]: command}
    assert command["name"] == "ev-concierge"
    assert command["service"] == {"version": "1"}
    assert command["annotations"] == {
        "unit": "/ev",
        "command": "JoinRequested",
        "conflicts": 0,
        "outcome": "Joined",
    }
    assert (load["name"], load["parent_id"]) == ("load", command["id"])
    assert load["metadata"] == {"default": {"revision": 7}}
    assert store["parent_id"] == load["id"]
    assert not {"origin", "aws", "fault", "cause", "parent_id", "user"} & command.keys()


def test_only_units_are_indexed(spans: Spans) -> None:
    """X-Ray indexes fifty annotations of a trace, and a unit may have more steps than that."""
    with unit("names", site="C0EVROOM"):
        for number in range(60):
            with step("name", number=number):
                current().annotate(known=True)

    annotated = [document for document in documents(spans) if "annotations" in document]

    assert [each["annotations"] for each in annotated] == [{"unit": "names", "site": "C0EVROOM"}]


def test_more_annotations_than_x_ray_takes_are_cut_off(spans: Spans) -> None:
    with unit("tick") as work:
        work.annotate(**{f"fact{number}": number for number in range(60)})

    (tick,) = documents(spans)

    assert len(tick["annotations"]) == 50


def test_half_a_character_is_no_reason_to_send_nothing(spans: Spans) -> None:
    """What a library cuts off in the middle can't be encoded, and is of no use either."""
    with unit("tick", said="\ud83d is half of a car"):
        pass

    (tick,) = documents(spans)

    assert tick["annotations"]["said"] == "? is half of a car"


def test_a_driver_is_the_traces_user(spans: Spans) -> None:
    with unit("/ev", driver="3f2a91c0d4e5"):
        pass

    (command,) = documents(spans)

    assert command["user"] == command["annotations"]["driver"] == "3f2a91c0d4e5"


def test_what_one_unit_left_to_another_is_linked(spans: Spans) -> None:
    """A call that is said late was decided by somebody, in another trace."""
    with unit("station event"):
        left = origin()
    with unit("relay", origin=left):
        pass
    with unit("relay", origin="nonsense"):
        pass

    decided, said, unknown = documents(spans)
    linked = [span.links for span in spans.get_finished_spans()]

    assert said["annotations"] == {"unit": "relay", "caused_by": decided["trace_id"]}
    assert said["trace_id"] != decided["trace_id"]
    assert "caused_by" not in unknown["annotations"]
    assert [len(each) for each in linked] == [0, 1, 0]
    assert f"{linked[1][0].context.span_id:016x}" == decided["id"]


def test_a_call_of_slack_is_remote(spans: Spans) -> None:
    with unit("relay"), call("Slack", "chat.postMessage", url="https://slack.com/api/") as asking:
        asking.answered(200)

    asked, _ = documents(spans)

    assert (asked["name"], asked["namespace"]) == ("Slack", "remote")
    assert asked["http"] == {
        "request": {"method": "POST", "url": "https://slack.com"},
        "response": {"status": 200},
    }
    assert asked["metadata"] == {"default": {"rpc.method": "chat.postMessage"}}
    assert "fault" not in asked


def test_a_response_url_is_nothing_but_its_host(spans: Spans) -> None:
    """Whoever has it can speak as the bot for half an hour."""
    with unit("button"), call("Slack", "respond", url="https://hooks.slack.com/actions/T0/1/aBcD"):
        pass

    asked, _ = documents(spans)

    assert asked["http"]["request"]["url"] == "https://hooks.slack.com"
    assert "aBcD" not in json.dumps(asked)


def test_a_call_of_dynamodb_says_which(spans: Spans) -> None:
    with unit("/ev"), store_step("DynamoDB GetItem", IN_DYNAMODB) as asking:
        asking.set_attribute("aws.request_id", "AB12")
        asking.set_attribute("http.status_code", 200)

    asked, _ = documents(spans)

    assert (asked["name"], asked["namespace"]) == ("DynamoDB", "aws")
    assert asked["aws"] == {
        "operation": "GetItem",
        "region": "eu-central-1",
        "request_id": "AB12",
        "table_name": "ev-concierge",
    }
    assert asked["http"] == {"response": {"status": 200}}


def test_an_answer_that_is_no_failure_is_none(spans: Spans) -> None:
    """Somebody else was faster: the store did as it was asked."""
    with unit("/ev"), suppress(Conflict), store_step("DynamoDB TransactWriteItems", IN_DYNAMODB):
        raise Conflict("not at that revision any more")

    asked, _ = documents(spans)

    assert not {"fault", "error", "cause"} & asked.keys()
    assert asked["metadata"]["default"]["outcome"] == "Conflict"


@pytest.mark.parametrize(
    ("status", "fails", "marks"),
    [
        (200, False, set()),
        (None, False, set()),
        (404, True, {"error"}),
        (429, True, {"error", "throttle"}),
        (500, True, {"fault"}),
        (503, False, {"fault"}),
        (200, True, {"fault"}),
        (None, True, {"fault"}),
    ],
)
def test_a_status_and_an_exception_are_an_outcome(
    spans: Spans, status: int | None, *, fails: bool, marks: set[str]
) -> None:
    with suppress(RuntimeError), call("Slack", "auth.test", url="https://slack.com") as asking:
        if status is not None:
            asking.answered(status)
        if fails:
            raise RuntimeError("no")

    (asked,) = documents(spans)

    assert flags(asked) == marks
    assert ("cause" in asked) is fails


@pytest.mark.parametrize(("fails", "marks"), [(False, {"throttle"}), (True, {"error", "throttle"})])
def test_a_throttled_call_says_so_even_if_it_went_through(
    spans: Spans, *, fails: bool, marks: set[str]
) -> None:
    with suppress(RuntimeError), call("Slack", "auth.test", url="https://slack.com") as asking:
        asking.throttled()
        if fails:
            raise RuntimeError("too often")

    (asked,) = documents(spans)

    assert flags(asked) == marks


def test_an_exception_is_told_with_its_cause_and_the_innermost_frame_first(
    spans: Spans,
) -> None:
    with suppress(RuntimeError), unit("wake-up"), step("decide"):
        fail_by_cause()

    decide, wake_up = documents(spans)
    failed, cause = wake_up["cause"]["exceptions"]

    assert wake_up["fault"] is decide["fault"] is True
    assert (failed["type"], failed["message"]) == (
        "RuntimeError",
        "so this can't be done:\nit is a pity",
    )
    assert (cause["type"], cause["message"]) == ("LookupError", "nothing is here")
    assert failed["cause"] == cause["id"]
    assert "cause" not in cause
    assert [frame["label"] for frame in cause["stack"]] == [*["dive"] * 3, "fail_by_cause"]
    assert failed["stack"][0]["label"] == "fail_by_cause"
    assert failed["stack"][0]["path"].endswith("tests/tracing/test_documents.py")
    assert failed["stack"][-1]["label"] == "_span"


def test_a_group_of_exceptions_is_told_as_one(spans: Spans) -> None:
    with suppress(ExceptionGroup), unit("wake-up"):
        raise ExceptionGroup("two", [ValueError("one"), KeyError("other")])

    (wake_up,) = documents(spans)

    (told,) = wake_up["cause"]["exceptions"]
    assert (told["type"], told["message"]) == ("ExceptionGroup", "two (2 sub-exceptions)")


def test_what_failed_far_away_is_marked_as_remote(spans: Spans) -> None:
    with suppress(LookupError), unit("relay"), call("Slack", "x", url="https://slack.com"):
        dive(0)

    asked, relay = documents(spans)

    assert asked["cause"]["exceptions"][0]["remote"] is True
    assert "remote" not in relay["cause"]["exceptions"][0]


def test_of_a_deep_stack_the_innermost_frames_are_told(spans: Spans) -> None:
    with suppress(LookupError), unit("wake-up"):
        ping(100)

    (wake_up,) = documents(spans)
    (told,) = wake_up["cause"]["exceptions"]

    assert len(told["stack"]) == 50
    assert told["stack"][0]["label"] == "dive"
    assert told["truncated"] >= 150


def test_a_unit_says_which_deployment_it_was_of(spans: Spans) -> None:
    with unit("/ev"), step("load"):
        pass

    load, command = documents(
        spans, Deployment(environment_name="ev", version_label="v7", deployment_id=7)
    )

    assert command["origin"] == "AWS::ElasticBeanstalk::Environment"
    assert command["aws"]["elastic_beanstalk"] == {
        "environment_name": "ev",
        "version_label": "v7",
        "deployment_id": 7,
    }
    assert not {"origin", "aws"} & load.keys()


def test_what_is_too_long_loses_what_matters_least(spans: Spans) -> None:
    """Metadata goes first, then the frames; the annotations and what went wrong stay."""
    with suppress(RuntimeError), unit("wake-up", site="C0EVROOM") as work:
        work.explain(**{f"long{n}": "x" * 1000 for n in range(100)})
        fail_by_cause()

    (without_metadata,) = documents(spans)

    assert "metadata" not in without_metadata
    assert without_metadata["cause"]["exceptions"][0]["stack"]
    frames = "".join(f'  File "{"x" * 3000}", line {n}, in f\n' for n in range(40))
    traceback = f"Traceback (most recent call last):\n{frames}ValueError: odd"
    (without_stacks,) = [checked(datagram(segment_document(failing(traceback))))]
    assert without_stacks["cause"]["exceptions"][0]["message"] == "odd"
    assert "stack" not in without_stacks["cause"]["exceptions"][0]


@given(text=st.text())
def test_any_text_for_a_traceback_makes_a_right_document(text: str) -> None:
    checked(datagram(segment_document(failing(text))))


_TEXTS = st.text(max_size=20) | st.text(min_size=1, max_size=3).map(lambda each: each * 3_000)
_VALUES: st.SearchStrategy[AttributeValue] = (
    _TEXTS
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.lists(st.text(max_size=3), max_size=3).map(tuple)
)
_NAMES = (
    st.sampled_from(["url.full", "http.url", "http.status_code", "rpc.system", "driver", INDEXED])
    | st.sampled_from(["peer.service", "cloud.region", "aws.dynamodb.table_names", "throttled"])
    | _TEXTS
)


@given(
    name=_TEXTS,
    kind=st.sampled_from(SpanKind),
    attributes=st.dictionaries(_NAMES, _VALUES, max_size=52),
    indexed=st.booleans(),
    parent=st.booleans(),
    times=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)
def test_any_span_makes_a_right_document(
    name: str,
    kind: SpanKind,
    attributes: dict[str, AttributeValue],
    times: tuple[int, int],
    *,
    indexed: bool,
    parent: bool,
) -> None:
    """Nothing that people or services say makes X-Ray refuse a trace."""
    if indexed:
        attributes = {**attributes, INDEXED: tuple(attributes)}
    begin, end = (now() + each for each in times)

    document = checked(
        datagram(
            segment_document(
                ReadableSpan(
                    name=name,
                    kind=kind,
                    attributes=attributes,
                    context=context(1),
                    parent=context(2) if parent else None,
                    resource=Resource({"service.name": name}),
                    start_time=begin,
                    end_time=end,
                )
            )
        )
    )

    assert not re.search("[/?]", str(document.get("http", {}).get("request", {}))[30:])


def now() -> int:
    """Answer this moment, as spans count it."""
    return int(SystemClock().now().timestamp() * 1e9)


def context(span: int) -> SpanContext:
    """Answer where a span of a trace of this moment stands."""
    return SpanContext(now() // 10**9 << 96 | 7, span, is_remote=False)


def failing(traceback: str) -> ReadableSpan:
    """Answer a span that failed so."""
    return ReadableSpan(
        name="tick",
        context=context(2**64 - 1),
        events=[Event("exception", {"exception.stacktrace": traceback})],
        status=Status(StatusCode.ERROR),
        start_time=now(),
        end_time=now(),
    )


def test_a_span_of_somebody_elses_is_a_right_document(spans: Spans) -> None:
    """A library may trace too, and says what it likes."""
    with unit("tick"):
        foreign = get_tracer("foreign").start_span(
            "GET /x?token=aBcD",
            kind=SpanKind.CLIENT,
            attributes={"http.url": "https://u:p@example.com:8443/x?token=aBcD", "http.method": ""},
        )
        foreign.end()

    asked, _ = documents(spans)

    assert asked["name"] == "example.com"
    assert asked["http"]["request"] == {"url": "https://example.com:8443"}
    assert "aBcD" not in json.dumps(asked)
