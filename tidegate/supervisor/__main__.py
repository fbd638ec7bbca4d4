"""`python -m tidegate.supervisor`: run the stack in the foreground until SIGTERM. `tidegate up` starts it."""

import asyncio
import logging
import os
import signal
import sys
import time

from gateway.edge.token import TokenError
from tidegate.backends.broker import BrokerNotFoundError, find_binary
from tidegate.backends.clickhouse_password import with_clickhouse_password
from tidegate.home.caches import doubt_caches
from tidegate.parts.leftovers import end_all
from tidegate.parts.state import Phase, StackState, stopped_well, supervisor_lock, write_state
from tidegate.settings import Settings
from tidegate.sockets import SocketFolderError, make_socket_folder
from tidegate.supervisor.plan import PartSpec, plan
from tidegate.supervisor.ports import PortTakenError, check_ports
from tidegate.supervisor.stack import Stack

EXIT_FAILED = 1
EXIT_RUNNING_ALREADY = 4

log = logging.getLogger("tidegate.supervisor")


def main() -> int:
    """0 after a stop that was asked for, 1 when the stack could not go on, 4 when another supervisor has the home."""
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        with supervisor_lock(settings.run_path):
            return _supervise(settings)
    except BlockingIOError:
        log.error("another supervisor runs the stack of %s", settings.home_path)
        return EXIT_RUNNING_ALREADY


def _supervise(settings: Settings) -> int:
    if not stopped_well(settings.run_path):
        log.warning("the stack was not stopped the last time: copies of models and environments are compared again")
        doubt_caches(settings)
    _write_phase(settings, Phase.STARTING)
    try:
        settings = with_clickhouse_password(settings)
        specs = _prepare(settings)
    except (PortTakenError, BrokerNotFoundError, SocketFolderError, TokenError) as error:
        log.error("%s", error)
        _write_phase(settings, Phase.FAILED, str(error))
        return EXIT_FAILED
    error_text = asyncio.run(_run(settings, specs))
    return 0 if error_text is None else EXIT_FAILED


def _prepare(settings: Settings) -> list[PartSpec]:
    """What must hold before the first process starts.

    Raises:
        PortTakenError, BrokerNotFoundError, SocketFolderError: it does not.
    """
    make_socket_folder(settings.run_path)
    ended = end_all(str(settings.home_path))
    if ended:
        log.warning("ended %d processes of an earlier stack that was not stopped: %s", len(ended), ended)
    binary = find_binary(settings.broker_binary) if settings.kafka_bootstrap is None else None
    specs = plan(settings, binary)
    check_ports(use for spec in specs for use in spec.ports)
    settings.logs_path.mkdir(parents=True, exist_ok=True)
    return specs


async def _run(settings: Settings, specs: list[PartSpec]) -> str | None:
    stack = Stack(settings, specs, os.getpid())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stack.stop_requested.set)
    return await stack.run()


def _write_phase(settings: Settings, phase: Phase, error: str | None = None) -> None:
    state = StackState(pid=os.getpid(), phase=phase, since=time.time(), error=error)
    write_state(settings.run_path, state, durable=True)


if __name__ == "__main__":
    sys.exit(main())
