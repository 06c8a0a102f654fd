"""An X-Ray API that is not ours: moto's, which runs as a program of its own."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import boto3.session

from tests.queue_store.servers import Program
from tests.tracing.documents import Document

MOTO = Path(__file__).parents[2] / ".venvs/moto/bin/moto_server"
# X-Ray's own limits.
MOST_DOCUMENTS = 50
MOST_TRACES = 5


def moto() -> Program:
    """Run moto, which keeps everything in memory."""
    command = (str(MOTO), "-H", "127.0.0.1", "-p", "{port}")
    return Program(command, how_to_get="`make moto` installs moto")


class XRayApi:
    """X-Ray at this URL, as the daemon and the console use it."""

    def __init__(self, url: str) -> None:
        session = boto3.session.Session(
            aws_access_key_id="AKIAINVENTED",
            aws_secret_access_key="invented",
            region_name="eu-central-1",
        )
        self._client: Any = session.client("xray", endpoint_url=url)

    def put(self, documents: Sequence[Document]) -> list[Document]:
        """Hand the documents in, as the daemon does; answer what was refused."""
        return [
            refused
            for some in _in_parts(documents, MOST_DOCUMENTS)
            for refused in self._client.put_trace_segments(
                TraceSegmentDocuments=[json.dumps(each) for each in some]
            )["UnprocessedTraceSegments"]
        ]

    def get(self, references: Sequence[str]) -> list[Document]:
        """Answer every document of these traces."""
        return [
            json.loads(segment["Document"])
            for some in _in_parts(references, MOST_TRACES)
            for trace in self._client.batch_get_traces(TraceIds=some)["Traces"]
            for segment in trace["Segments"]
        ]


def _in_parts(whole: Sequence[Any], most: int) -> Iterable[list[Any]]:
    return (list(whole[start : start + most]) for start in range(0, len(whole), most))
