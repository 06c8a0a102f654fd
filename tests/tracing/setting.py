"""Tracing set up for a test, as an administrator would."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot import exporters
from bot.settings import TraceSettings
from bot.variables import TraceExporter

NOWHERE = Path("/nowhere")


def traced_to(
    exporter: TraceExporter,
    *,
    out: io.StringIO | None = None,
    daemon: tuple[str, int] = ("127.0.0.1", 9),
    beanstalk: Path = NOWHERE,
    **options: Any,  # noqa: ANN401 # as set_up's
) -> Callable[[], None]:
    """Begin to trace and export; answer how to finish."""
    settings = TraceSettings(exporter=exporter, daemon=daemon)
    return exporters.set_up(
        settings, version="1", out=out or io.StringIO(), beanstalk=beanstalk, **options
    )
