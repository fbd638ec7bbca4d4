"""The process `sink`: lands every topic in ClickHouse. `python -m tidegate.processes.sink`"""

import logging
import signal
import sys

from storage.sink.config import SinkConfig
from storage.sink.service import Sink
from tidegate import monitor
from tidegate.parts.monitor_ports import SINK_OFFSET
from tidegate.processes import all_is_loaded
from tidegate.settings import Settings
from tidegate.web_pages import local_pages

DRAIN_SHARE = 0.75
"""Of the time that a stop may take; the rest is for leaving the group and for closing."""


def main() -> int:
    """0 when all that stood in the topics was landed, 1 when it ran out of time."""
    all_is_loaded()
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    sink = Sink(
        SinkConfig(
            bootstrap=settings.bootstrap,
            clickhouse_dsn=settings.clickhouse_dsn,
            database=settings.clickhouse_database,
            layout=settings.topics,
            flush_s=settings.sink_flush_s,
            batch_bytes=settings.sink_batch_bytes,
            drain_s=settings.stop_timeout_s * DRAIN_SHARE,
        )
    )
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sink.stop())
    server = monitor.serve(settings.monitor_port + SINK_OFFSET, sink.not_ready, local_pages(settings))
    try:
        return 0 if sink.run() else 1
    finally:
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
