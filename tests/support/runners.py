"""Real runner processes for tests."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_runner.wire.client import RunnerClient
from tests.support.children import Child
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]


class RunnerProcess:
    """A runner that can be killed and started again on the same socket."""

    def __init__(self, folder: Path, scratch: Path, deployment: str = "d-1", arguments: tuple[str, ...] = ()) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.socket = scratch / f"{deployment}.sock"
        command = [sys.executable, "-m", "model_runner", "--folder", str(folder), "--socket", str(self.socket)]
        self.child = Child(
            [*command, "--deployment", deployment, *arguments],
            scratch,
            deployment,
            env={"PYTHONPATH": str(REPOSITORY)},
        )

    def start(self) -> None:
        """Start and wait until it is ready."""
        lines = self._ready_lines()
        self.child.start()
        wait_until(lambda: self._ready_lines() > lines, 60, f"the runner; its log ends: {self.child.log_tail()}")

    def _ready_lines(self) -> int:
        return self.child.log_tail(1_000_000).count(" INFO ready on ")


@contextmanager
def runner(
    folder: Path, scratch: Path, deployment: str = "d-1", arguments: tuple[str, ...] = ()
) -> Iterator[RunnerProcess]:
    """A ready runner; it ends with the block."""
    process = RunnerProcess(folder, scratch, deployment, arguments)
    try:
        process.start()
        yield process
    finally:
        process.child.stop()


async def until_busy(client: RunnerClient) -> None:
    """Wait until the model is at work."""
    async with asyncio.timeout(5):
        while (await client.describe()).busy_s == 0:  # noqa: ASYNC110  what is waited for is in another process
            await asyncio.sleep(0.005)
