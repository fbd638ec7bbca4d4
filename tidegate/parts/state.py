"""What the supervisor tells others: a JSON file, written anew at each change, and a lock held while it lives."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

import msgspec
import psutil

from model_runner.disk.durable import write_file
from stream.contracts import sealed
from stream.contracts.decode_errors import UNREADABLE

STATE_FILE = "state.json"
LOCK_FILE = "supervisor.lock"


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Condition(StrEnum):
    WAITING = "waiting"
    """For the parts that come before it."""
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    """A job that has ended well."""
    BACKOFF = "back-off"
    """It ended, and is started again in a moment."""
    FAILING = "failing"
    """It keeps ending; it is still tried again."""
    FAILED = "failed"
    """It cannot work with these settings, and is not tried again."""
    STOPPING = "stopping"
    STOPPED = "stopped"


class PartState(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    condition: Condition
    pid: int | None = None
    since: float
    """Of the condition: seconds since the epoch."""
    restarts: int = 0
    detail: str = ""
    """Why it is so: for the failing ones the end of the log."""
    port: int | None = None
    log: str = ""


class StackState(sealed.Message, frozen=True, kw_only=True):
    """With a checksum, since signals are sent to the `pid` in it."""

    pid: int
    phase: Phase
    since: float
    error: str | None = None
    warnings: tuple[str, ...] = ()
    urls: dict[str, str] = msgspec.field(default_factory=dict)
    parts: tuple[PartState, ...] = ()


def write_state(run_path: Path, state: StackState, *, durable: bool = False) -> None:
    """Atomic: a reader sees the state before or after.

    Args:
        durable: whether it has to be there after a power loss. It changes too often to be on disk each time.

    Raises:
        OSError: it cannot be written; the one before stands.
    """
    content = sealed.encode(state)
    if durable:
        write_file(run_path / STATE_FILE, content)
        return
    part = run_path / f"{STATE_FILE}.{os.getpid()}.tmp"
    part.write_bytes(content)
    part.replace(run_path / STATE_FILE)


_decoder = msgspec.json.Decoder(StackState)


def read_state(run_path: Path) -> StackState | None:
    """The last state that a supervisor of this home wrote, even one that has ended; None where there was none, or it
    is damaged."""
    with suppress(OSError, *UNREADABLE):
        return sealed.decode((run_path / STATE_FILE).read_bytes(), _decoder)
    return None


def stopped_well(run_path: Path) -> bool:
    """Whether the last supervisor of this home came to its end, so that all its parts had theirs."""
    if not (run_path / STATE_FILE).exists():
        return True
    last = read_state(run_path)
    return last is not None and last.phase in (Phase.STOPPED, Phase.FAILED)


def running_state(run_path: Path) -> StackState | None:
    """The state of the supervisor that is running now; None where none is.

    One whose state cannot be read runs all the same: to hold it for ended would end its parts without a drain.
    """
    if not is_locked(run_path):
        return None
    return read_state(run_path) or _without_state(run_path)


def _without_state(run_path: Path) -> StackState | None:
    pid = _holder(run_path)
    if pid is None:
        return None  # it ended meanwhile
    damaged = f"{run_path / STATE_FILE} cannot be read, so nothing is known of the parts: it is written anew in seconds"
    return StackState(pid=pid, phase=Phase.RUNNING, since=time.time(), warnings=(damaged,))


def _holder(run_path: Path) -> int | None:
    """The supervisor that has the lock."""
    path = os.path.realpath(run_path / LOCK_FILE)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_one = any("tidegate.supervisor" in word for word in process.cmdline())
            if is_one and any(os.path.realpath(file.path) == path for file in process.open_files()):
                return process.pid
    return None


def is_locked(run_path: Path) -> bool:
    """Whether a supervisor of this home lives."""
    try:
        with _locked(run_path / LOCK_FILE, fcntl.LOCK_SH):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


@contextmanager
def supervisor_lock(run_path: Path, patience_s: float = 1.0) -> Iterator[None]:
    """Hold the lock of this home.

    Raises:
        BlockingIOError: another supervisor has it.
    """
    run_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = run_path / LOCK_FILE
    path.touch(mode=0o600)
    deadline = time.monotonic() + patience_s
    # Someone who only looks holds it for an instant.
    while is_locked(run_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    with _locked(path, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    with path.open("rb") as file:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
        yield
