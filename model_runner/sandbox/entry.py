"""Runs inside the sandbox, before the model's Python: gives up what it may give up, then becomes that Python.

    python -I -S entry.py ORDERS COMMAND…

Standard library alone: the packages of a model's environment may run code as soon as a Python with them starts.
"""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

EXIT_SANDBOX = 4


def main(arguments: list[str]) -> NoReturn:
    """Never returns: the command takes this process over, or it ends with 4 and the reason."""
    told, *command = arguments
    try:
        confine(json.loads(told))
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"the sandbox cannot be set up: {error}", file=sys.stderr, flush=True)
        os._exit(EXIT_SANDBOX)


def confine(orders: dict[str, object]) -> None:
    """In this order: what comes later could not be done after what comes first."""
    from model_runner.sandbox import landlock, privileges, seccomp  # noqa: PLC0415

    network = bool(orders["network"])
    mechanism = orders["mechanism"]
    memory = orders["memory_bytes"]
    uid = orders["uid"]
    cpus = orders["cpus"]
    readable, writable, remarks = (_texts(orders[key]) for key in ("readable", "writable", "remarks"))
    for remark in remarks:
        print(f"sandbox: {remark}", file=sys.stderr, flush=True)
    if isinstance(cpus, int | float):
        # Any number of this process's own decides which of them. Within a sandbox of bubblewrap it is always 2.
        privileges.use_cpus(cpus, int.from_bytes(os.urandom(4)))
    keep = orders["keep_capability"] if isinstance(orders["keep_capability"], int) else None
    if isinstance(uid, int):
        privileges.become(uid, keep)
    privileges.die_with_parent()
    if mechanism != "none":
        privileges.drop_capabilities(keep)
    if isinstance(memory, int) and isinstance(orders["file_bytes"], int):
        privileges.limit(memory, orders["file_bytes"])
    if mechanism == "landlock":
        landlock.restrict(map(Path, readable), map(Path, writable), network=network)
    if mechanism != "none":
        seccomp.install(seccomp.program(os.uname().machine, os.getpid(), network=network))


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    main(sys.argv[1:])
