"""Environments of runners that are to start: at once where they are at hand, else built aside while others start."""

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from pathlib import Path

from model_runner import watched
from model_runner.environment import EnvironmentBuildError, PreparedEnvironment, Store, at_hand, restore
from model_runner.errors import ModelError
from model_runner.process.launch import RunnerPython

RETRY_S = 15.0
"""After a build that failed: the index may be back."""

log = logging.getLogger("tidegate.supervisor")


class NotPreparedError(Exception):
    """There is no environment yet; the message says why. Ask again."""


class _Build:
    """One environment on its way."""

    def __init__(self, folder: Path, store: Store, retry_s: float) -> None:
        self.said = "its environment is being built"
        self.task = watched.awaited(self._until_built(folder, store, retry_s))

    async def _until_built(self, folder: Path, store: Store, retry_s: float) -> PreparedEnvironment:
        while True:
            try:
                return await _aside(lambda: restore(folder, store, log.info))
            except (ModelError, EnvironmentBuildError, OSError) as error:
                self.said = f"its environment cannot be built: {error}"
            await asyncio.sleep(retry_s)


def _aside(work: Callable[[], PreparedEnvironment]) -> asyncio.Future[PreparedEnvironment]:
    """In a daemon thread: a stop of the stack waits for no build. What it started ends by itself and harms nothing."""
    done: Future[PreparedEnvironment] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    watched.begin_thread(run, "environment")
    return asyncio.wrap_future(done)


class Preparing:
    """Asked again and again for the same deployment until it has its interpreter."""

    def __init__(self, store: Store, retry_s: float = RETRY_S) -> None:
        self._store = store
        self._retry_s = retry_s
        self._builds: dict[str, _Build] = {}

    async def python_for(self, deployment: str, folder: Path) -> RunnerPython:
        """The interpreter for a deployment's runner.

        Raises:
            NotPreparedError: it is being built, or that failed and is tried again.
        """
        build = self._builds.get(deployment)
        if build is None:
            try:
                found = await asyncio.to_thread(at_hand, folder, self._store)
            except (ModelError, EnvironmentBuildError) as error:
                raise NotPreparedError(str(error)) from error
            if found is not None:
                return found.python
            build = self._builds[deployment] = _Build(folder, self._store, self._retry_s)
        if not build.task.done():
            raise NotPreparedError(build.said)
        del self._builds[deployment]
        return build.task.result().python

    def keep(self, deployments: Collection[str]) -> None:
        """Forget the others: they are no longer wanted."""
        for gone in self._builds.keys() - deployments:
            self._builds.pop(gone).task.cancel()
