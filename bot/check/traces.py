"""Where traces go: whether anybody is there to take them, as far as that can be told."""

import asyncio
from collections.abc import Iterator

from bot.check.finding import Check, Finding, fail, ok, told
from bot.daemon import refusal
from bot.exporters import collector_takes_traces
from bot.settings import TraceSettings

PART = "traces"

# On this machine a refusal comes at once; from elsewhere it need not come at all.
REFUSAL_SECONDS = 0.5


def checks(settings: TraceSettings, *, seconds: float) -> Iterator[Check]:
    """Answer what there is to look at for this exporter; an answer may take so many seconds."""
    match settings.exporter:
        case "none":
            yield told(PART, ok("none are sent"))
        case "console":
            yield told(PART, ok("printed with the log"))
        case "xray":
            yield Check(PART, lambda: _daemon(settings.daemon))
        case "otlp":
            yield Check(PART, lambda: _collector(seconds))


async def _daemon(address: tuple[str, int]) -> Finding:
    where = "{}:{}".format(*address)
    why = await asyncio.to_thread(refusal, address, seconds=REFUSAL_SECONDS)
    if why is not None:
        remedy = "Start the X-Ray daemon there, or see to AWS_XRAY_DAEMON_ADDRESS"
        return fail(f"X-Ray daemon at {where}: {why}", remedy)
    return ok(f"X-Ray daemon at {where}; nothing was refused, and more is not told by UDP")


async def _collector(seconds: float) -> Finding:
    if await asyncio.to_thread(collector_takes_traces, seconds=seconds):
        return ok("the OpenTelemetry collector takes what is sent")
    remedy = "See to OTEL_EXPORTER_OTLP_ENDPOINT and what else the collector asks for"
    return fail("the OpenTelemetry collector did not take an empty delivery", remedy)
