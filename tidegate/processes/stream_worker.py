"""The stream worker: `python -m tidegate.processes.stream_worker --index 0`."""

import argparse
import asyncio
import contextlib
import signal
import sys

import structlog

from storage.history.clickhouse import ClickHouseHistory
from stream.config import EvaluationConfig, StreamConfig
from stream.worker import HistoryMaker, StreamWorker
from tidegate import monitor
from tidegate.logging import configure
from tidegate.parts.monitor_ports import STREAM_OFFSET
from tidegate.processes import all_is_loaded
from tidegate.settings import Settings
from tidegate.web_pages import local_pages

log = structlog.get_logger()


def print_tasks() -> None:
    """On SIGUSR1: what every task waits for, to the log."""
    for task in asyncio.all_tasks():
        task.print_stack(limit=6, file=sys.stderr)


def history_of(settings: Settings) -> HistoryMaker:
    """Where the past of topics that are no more is read: in ClickHouse."""
    return lambda events_id, panes_id: ClickHouseHistory(
        settings.clickhouse_dsn,
        settings.clickhouse_database,
        events_id=events_id,
        panes_id=panes_id,
        event_ttl_days=settings.event_ttl_days,
    )


async def run(settings: Settings, index: int) -> int:
    """Until a signal (drain, then 0) or trouble (1: the supervisor starts another)."""
    worker = StreamWorker(
        StreamConfig(
            bootstrap=settings.bootstrap,
            layout=settings.topics,
            data_folder=settings.run_path / "stream",
            flush_s=settings.flush_s,
            evaluation=EvaluationConfig(settings.evaluate_s, settings.false_alarms_per_30_days),
            reader=f"stream-worker-{index}",
        ),
        history_of(settings) if settings.rebuild_windows else None,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, print_tasks)
    server = monitor.serve(settings.monitor_port + STREAM_OFFSET + index, worker.waits_for, local_pages(settings))
    await worker.start()
    trouble = None
    while trouble is None and not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await stopping.wait()
        trouble = worker.trouble()
    if trouble is not None:
        log.error("stream_worker.trouble", reason=trouble)
    else:
        drained = await worker.drain(settings.stop_timeout_s * 0.7)
        log.info("stream_worker.drained" if drained else "stream_worker.not_drained", lag=worker.lag())
    async with asyncio.timeout(settings.stop_timeout_s):
        await worker.stop()
    server.shutdown()
    return 0 if trouble is None else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=int, default=0, help="number of this worker on this machine, from 0")
    arguments = parser.parse_args()
    all_is_loaded()
    settings = Settings()
    configure(settings.log_level)
    sys.exit(asyncio.run(run(settings, arguments.index)))


if __name__ == "__main__":
    main()
