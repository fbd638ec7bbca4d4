"""Ties a child process to the life of its parent, so that a kill -9 of the parent leaves nothing running (Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` for `subprocess`: the kernel kills the child when the thread that started it ends.

    None where the system cannot do it (macOS): there a later start finds what was left by its marker.
    The library is loaded here, in the parent: after the fork nothing may be imported or allocated needlessly.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the parent ended before the call

    return in_child
