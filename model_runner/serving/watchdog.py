"""Ends a runner whose model does not come back from a prediction; whoever started the runner starts it again."""

import asyncio
import faulthandler
import logging
import os
import sys
from typing import NoReturn

from model_runner.limits import Limits, over_predict_time
from model_runner.serving.model_thread import ModelThread

_GRACE_S = 2.0
EXIT_OVER_TIME = 5

log = logging.getLogger("model_runner")


async def watch(thread: ModelThread, limits: Limits) -> None:
    """Until it is cancelled. Without a limit there is nothing to do."""
    seconds = limits.predict_seconds
    if seconds is None:
        return
    try:
        while thread.busy_s <= seconds:
            # From a thread of C: code that never lets go of the interpreter stops this loop as well.
            faulthandler.dump_traceback_later(seconds + _GRACE_S, exit=True, file=sys.stderr)
            await asyncio.sleep(min(0.5, seconds / 4))
    finally:
        faulthandler.cancel_dump_traceback_later()
    await _give_up(thread, limits)


async def _give_up(thread: ModelThread, limits: Limits) -> NoReturn:
    why = str(over_predict_time("model", limits))
    log.error("%s; this runner ends", why)
    thread.give_up(why)
    # Turns of the loop, so that the answers are written.
    await asyncio.sleep(0.05)
    os._exit(EXIT_OVER_TIME)
