"""The serving process of one deployment: listens, loads, serves until it is told to stop."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from model_runner import watched
from model_runner.process.listening import bind
from model_runner.serving.connection import Connection
from model_runner.serving.runner import Runner
from model_runner.serving.runner_config import RunnerConfig
from model_runner.serving.watchdog import watch
from model_runner.wire.guarded import listen

log = logging.getLogger("model_runner")


async def serve(config: RunnerConfig, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. The socket answers from the start; what comes before the model is ready waits for it.

    Raises:
        ModelError: the folder cannot be served.
        OSError: the socket cannot be made, or the port is taken.
    """
    runner = Runner(config)
    servers: list[asyncio.AbstractServer] = [await _listen(runner)]
    watching = None
    try:
        loading = watched.awaited(runner.load())
        stopping = watched.awaited(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            await loading
            # Only now: an orchestrator takes an open port for readiness.
            if config.tcp is not None and config.token is not None:
                servers.append(await listen(config.tcp, config.token, lambda: Connection(runner, is_welcome=True)))
                log.info("reached by %s", config.tcp)
            watching = watched.keep(lambda: watch(runner.thread, config.limits), "watch of the model")
            await stopping
        else:
            loading.cancel()
        for each in servers:
            each.close()
        await runner.stop()
        # One turn of the loop, so that the last answers are written.
        await asyncio.sleep(0)
    finally:
        if watching is not None:
            watching.cancel()
        for each in servers:
            each.close()
        if isinstance(config.socket, Path):
            config.socket.unlink(missing_ok=True)


async def _listen(runner: Runner) -> asyncio.AbstractServer:
    """Raises OSError: the socket cannot be made."""
    where = runner.config.socket
    listener = bind(where) if isinstance(where, Path) else where
    listener.setblocking(False)
    # From 3.13 on asyncio removes the path, which is not this process's to remove.
    options: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
    return await asyncio.get_running_loop().create_unix_server(
        lambda: Connection(runner, is_welcome=False), sock=listener, **options
    )
