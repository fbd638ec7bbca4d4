"""Wait until a runner is ready to serve."""

import asyncio
import time
from pathlib import Path

from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerError, RunnerUnavailableError
from model_runner.wire.frames import RunnerInfo


async def wait_ready(socket: Path | str, timeout_s: float) -> RunnerInfo:
    """Wait until a runner is ready.

    Raises:
        RunnerUnavailableError: it was not within timeout_s seconds.
    """
    client = RunnerClient(socket, ClientConfig(reconnect_s=0.2))
    deadline = time.monotonic() + timeout_s
    last = "nothing listens"
    try:
        while True:
            try:
                info = await client.describe()
            except RunnerError as error:
                last = str(error)
            else:
                if info.state == "ready":
                    return info
                last = f"it is {info.state}"
            if time.monotonic() > deadline:
                raise RunnerUnavailableError(f"the runner on {socket} was not ready in {timeout_s:g} s: {last}")
            await asyncio.sleep(0.05)
    finally:
        await client.close()
