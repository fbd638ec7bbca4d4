"""Waits for the runner that the supervisor starts."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from storage.registry import WITH_RUNNER, Deployment
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.parts.probes import not_ready
from tidegate.parts.state import Condition, running_state
from tidegate.runner_places import RunnerPlaces

POLL_S = 0.03
WANTED_S = 0.3
"""Between two looks at whether the deployment was cancelled."""


class RunnerNotReadyError(Exception):
    """The new runner does not answer."""


async def await_runner(places: RunnerPlaces, timeout_s: float, look: Callable[[], Deployment]) -> None:
    """Return when every runner of a deployment is loaded and has answered its example.

    Args:
        look: the deployment as it stands now; asked again and again, may block for a moment.

    Raises:
        RunnerNotReadyError: it keeps ending, takes too long, is not wanted any more, or nobody starts it.
    """
    found = await asyncio.to_thread(look)
    asked_at = began = time.monotonic()
    while (waits_for := await _not_ready(places, found)) is not None:
        trouble = _trouble(places.run_path, found.id)
        now = time.monotonic()
        if now - asked_at > WANTED_S:
            asked_at = now
            found = await asyncio.to_thread(look)
            if found.status not in WITH_RUNNER:
                trouble = "is not wanted any more: its deployment was cancelled"
        if trouble is None and now - began > timeout_s:
            fix = "raise [limits] load_seconds in tidegate.toml, or TIDEGATE_RUNNER_START_TIMEOUT_S"
            trouble = f"was not ready after {timeout_s:g} s ({waits_for}): {fix}"
        if trouble is not None:
            raise RunnerNotReadyError(f"the runner {trouble}")
        await asyncio.sleep(POLL_S)


async def _not_ready(places: RunnerPlaces, found: Deployment) -> str | None:
    """None when all are ready, else what the first that is not waits for."""
    probes = places.probes(found)
    if probes is None:
        return f"{len(found.addresses or ())} of {found.replicas} runners are ready"
    answers = await asyncio.gather(*map(not_ready, probes))
    return next((answer for answer in answers if answer is not None), None)


def _trouble(run_path: Path, deployment_id: str) -> str | None:
    """Why waiting longer is of no use; None while it may be."""
    state = running_state(run_path)
    if state is None:
        return "is started by the stack, which is not running: `tidegate up`"
    for part in state.parts:
        # The first has the deployment's name, the others a number behind it.
        name, _, number = part.name.removeprefix(RUNNER_PREFIX).partition(".")
        mine = part.name.startswith(RUNNER_PREFIX) and name == deployment_id and (not number or number.isdigit())
        if mine and part.condition in (Condition.FAILING, Condition.FAILED):
            return part.detail
    return None
