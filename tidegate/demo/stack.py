"""The stack that the demo runs on: started with `tidegate up`, or found running."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from model_runner.decode_errors import UNREADABLE
from tidegate.demo.receiver import Receiver
from tidegate.parts.state import running_state
from tidegate.settings import Settings

RECEIVER_FILE = "demo.json"
"""Beside the supervisor's state: where the stack that a demo started posts its alerts."""
START_S = 180.0


class StackUnusableError(Exception):
    """The demo cannot run on the stack; the message says what to do."""


class Posting(msgspec.Struct, frozen=True):
    """Whose alerts come to which port."""

    supervisor_pid: int
    port: int


@dataclass(frozen=True)
class DemoStack:
    """A running stack."""

    started: bool
    """By this demo."""
    urls: dict[str, str]


def open_receiver(settings: Settings) -> Receiver:
    """The receiver, on a free port; on the port of the demo that started the running stack, where one did.

    Raises:
        StackUnusableError: the running stack posts elsewhere, or the port is taken.
    """
    running = running_state(settings.run_path)
    if running is None:
        return Receiver()
    posting = _posting(settings.run_path)
    if posting is None or posting.supervisor_pid != running.pid:
        raise StackUnusableError(
            f"The stack of {settings.home_path} was not started by a demo, so its alerts go elsewhere. Stop it with "
            "`tidegate down` and run the demo again, or give the demo a home and ports of its own (TIDEGATE_HOME, "
            "TIDEGATE_GATEWAY_PORT, ...)."
        )
    try:
        return Receiver(posting.port)
    except OSError as error:
        raise StackUnusableError(
            f"Port {posting.port}, to which the running stack posts its alerts, is taken: {error.strerror}. "
            "Does another demo run? Otherwise `tidegate down`, and run the demo again."
        ) from error


def bring_up(settings: Settings, receiver: Receiver, *, quiet: bool) -> DemoStack:
    """Start the stack with the receiver as its webhook, or find it running.

    Raises:
        StackUnusableError: it did not start.
    """
    running = running_state(settings.run_path)
    if running is None:
        try:
            _tidegate("up", {"TIDEGATE_WEBHOOK_URL": receiver.url}, quiet=quiet)
        except BaseException:
            take_down(quiet=True)  # what has started already
            raise
        running = running_state(settings.run_path)
        if running is None:
            raise StackUnusableError("The stack ended right after its start: see `tidegate logs`.")
        posting = Posting(running.pid, receiver.port)
        (settings.run_path / RECEIVER_FILE).write_bytes(msgspec.json.encode(posting))
        return DemoStack(True, running.urls)
    return DemoStack(False, running.urls)


def take_down(*, quiet: bool) -> None:
    """Drain and stop the stack.

    Raises:
        StackUnusableError: a part of it had to be killed.
    """
    _tidegate("down", {}, quiet=quiet)


def _tidegate(command: str, env: dict[str, str], *, quiet: bool) -> None:
    """Run a command of our own; it shows its progress on this terminal unless `quiet`."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "tidegate", command],
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL if quiet else None,
            timeout=START_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackUnusableError(f"`tidegate {command}` did not end in {START_S:.0f} s.") from error
    if ended.returncode:
        raise StackUnusableError(f"`tidegate {command}` failed; the reason stands above.")


def _posting(run_path: Path) -> Posting | None:
    try:
        return msgspec.json.decode((run_path / RECEIVER_FILE).read_bytes(), type=Posting)
    except FileNotFoundError:
        return None
    except UNREADABLE:
        return None
