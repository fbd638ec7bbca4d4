"""Starts a process, also where the machine cannot at this moment: no process number, no memory, no descriptor free."""

import asyncio
import errno
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from subprocess import SubprocessError

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
_PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY, errno.EINTR}


def may_pass(error: BaseException) -> bool:
    """Whether to start it again may help, where it could not be started."""
    # What happens between fork and exec subprocess tells without its number.
    return isinstance(error, SubprocessError) or (isinstance(error, OSError) and error.errno in _PASSING)


async def start_patiently(start: Callable[[], Awaitable[Process]]) -> Process:
    """Start it, at the latest after 3 s.

    Raises:
        OSError, SubprocessError: it cannot be started.
    """
    for pause in PAUSES_S:
        try:
            return await start()
        except (OSError, SubprocessError) as error:
            if not may_pass(error):
                raise
            await asyncio.sleep(pause)
    return await start()
