"""How an attempt at a job ends otherwise than live."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

UNTOUCHED = "Nothing was switched: the version that was live still is."


class JobFailedError(Exception):
    """An attempt that did not go live."""

    def __init__(self, stage: str, reason: str, *, can_pass: bool = False) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
        self.can_pass = can_pass


class NothingToDoError(Exception):
    """A job that is done without a deployment; the message says why."""


@contextlib.asynccontextmanager
async def bounded(seconds: float, reason: str) -> AsyncIterator[None]:
    """Raises JobFailedError: what happens inside takes longer."""
    try:
        async with asyncio.timeout(seconds) as deadline:
            yield
    except TimeoutError:
        if not deadline.expired():
            raise
        fix = "or have who runs this installation raise TIDEGATE_JOB_TIMEOUT_S"
        raise JobFailedError("", f"{reason}, {fix}") from None
