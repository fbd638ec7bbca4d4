"""`python -m gateway.git.hook pre-receive|post-receive`: git runs it with each push. What it prints is `remote:`."""

import io
import os
import sys
from typing import TextIO, cast

from gateway.git.receive.context import VARIABLE, decode
from gateway.git.receive.post_receive import post_receive
from gateway.git.receive.pre_receive import pre_receive
from gateway.git.receive.saying import say
from gateway.git.receive.updates import BYTES, read_updates
from model_runner.explaining.raised import own_fault
from model_runner.plain_text import plain


def main(name: str) -> int:
    """0 when git may take the push."""
    out = cast(TextIO, sys.stdout)
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    context = os.environ.get(VARIABLE)
    if context is None:
        print("This repository belongs to Tidegate: push to it through the gateway", flush=True)
        return 1
    # Names of refs are bytes to git: one that is no UTF-8 is refused by name, and git is told of it by its bytes.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors=BYTES)
    updates = read_updates(sys.stdin)
    run = pre_receive if name == "pre-receive" else post_receive
    try:
        return run(updates, decode(context))
    except Exception as error:  # a traceback helps nobody who pushes
        _say_fault(name, error)
        return 1


def _say_fault(name: str, error: Exception) -> None:
    """Of ours: where it is goes with it, since what a hook says is in no log."""
    stage = "receive" if name == "pre-receive" else "switch"
    say(f"✗ {stage}: {plain(own_fault(error), 1000)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
