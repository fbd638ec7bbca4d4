"""Waits for the runner that the supervisor starts."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tidegate.sockets import runner_socket
from tidegate.supervisor.plan import RUNNER_PREFIX, SocketReady
from tidegate.supervisor.probes import not_ready
from tidegate.supervisor.state import Condition, running_state

POLL_S = 0.03
WANTED_S = 0.3
"""Between two looks at whether the deployment was cancelled."""


class RunnerNotReadyError(Exception):
    """The new runner does not answer."""


async def await_runner(
    run_path: Path, deployment_id: str, timeout_s: float, still_wanted: Callable[[], bool] = lambda: True
) -> None:
    """Return when the deployment's runner is loaded and has answered its example.

    Args:
        still_wanted: asked now and then; may block for a moment.

    Raises:
        RunnerNotReadyError: it keeps ending, takes too long, is not wanted any more, or nobody starts it.
    """
    ready = SocketReady(runner_socket(run_path, deployment_id))
    deadline = time.monotonic() + timeout_s
    asked_at = time.monotonic()
    while (waits_for := await not_ready(ready)) is not None:
        trouble = _trouble(run_path, deployment_id)
        if time.monotonic() - asked_at > WANTED_S:
            asked_at = time.monotonic()
            if not await asyncio.to_thread(still_wanted):
                trouble = "is not wanted any more: its deployment was cancelled"
        if trouble is None and time.monotonic() > deadline:
            trouble = f"was not ready after {timeout_s:g} s ({waits_for}): raise TIDEGATE_RUNNER_START_TIMEOUT_S"
        if trouble is not None:
            raise RunnerNotReadyError(f"the runner {trouble}")
        await asyncio.sleep(POLL_S)


def _trouble(run_path: Path, deployment_id: str) -> str | None:
    """Why waiting longer is of no use; None while it may be."""
    state = running_state(run_path)
    if state is None:
        return "is started by the stack, which is not running: `tidegate up`"
    for part in state.parts:
        if part.name == f"{RUNNER_PREFIX}{deployment_id}" and part.condition in (Condition.FAILING, Condition.FAILED):
            return part.detail
    return None
