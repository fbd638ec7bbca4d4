"""The process: socket, readiness line, idle work, and an orderly end at SIGTERM or SIGINT."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from storage.clickhouse_server.app import App
from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.service import Service
from web import watched
from web.connection_limits import ConnectionLimits
from web.connections import bounded


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which ends the process by the signal instead of with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(config: ClickHouseServerConfig, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running queries, close the folder and return.

    Prints one line when it is ready. Raises FolderInUseError, and TimeoutError when queries outlive the deadline and
    their kill.
    """
    with listener, asyncio.Runner(loop_factory=uvicorn.Config("", loop="uvloop").get_loop_factory()) as runner:
        runner.run(_serve(config, listener))


async def _serve(config: ClickHouseServerConfig, listener: socket.socket) -> None:
    service = Service(config)
    server = _Server(
        uvicorn.Config(
            App(service),
            http=bounded(_limits(config)),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, int(config.shutdown_s)),
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    serving = watched.awaited(server.serve([listener]))
    idle = watched.keep(lambda: _purge_when_idle(service, config.idle_purge_s), "purge of memory")
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    host, port = listener.getsockname()[:2]
    print(f"ClickHouse {service.engine.version} ready at http://{host}:{port} on {config.path} (pid {os.getpid()})")
    sys.stdout.flush()
    await serving
    idle.cancel()
    await service.close(config.shutdown_s)


def _limits(config: ClickHouseServerConfig) -> ConnectionLimits:
    """A client may pause within an insert for as long as the application lets it."""
    return ConnectionLimits(
        most=config.max_client_connections, body_s=config.client_stall_s, least_bytes=1, keep_alive_s=75.0
    )


async def _purge_when_idle(service: Service, after_s: float) -> None:
    """Give freed memory back whenever queries have run and none has for `after_s` seconds."""
    purged_at = seen = service.ended
    while True:
        await asyncio.sleep(after_s)
        service.sessions.expire()
        if not service.busy and service.ended == seen != purged_at:
            await asyncio.to_thread(service.engine.purge_memory)
            purged_at = seen
        seen = service.ended
