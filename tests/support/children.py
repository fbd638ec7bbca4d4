"""Processes that a test starts: they end with it, whatever happens."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_runner.process.listening import bind
from tidegate.die_with_parent import die_with_parent


class Child:
    """One process with its own process group and log file."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        name: str,
        env: Mapping[str, str] | None = None,
        *,
        inherit: bool = True,
        listens_at: Path | None = None,
    ) -> None:
        """`listens_at`: a Unix socket that is made for it, and becomes its standard input."""
        self._listens_at = listens_at
        self.command = list(command)
        self.folder = folder
        self.log_path = folder / f"{name}.log"
        self._env = {**(os.environ if inherit else {}), **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running, "already started"
        with contextlib.ExitStack() as ours:
            log = ours.enter_context(self.log_path.open("ab"))
            stdin = None if self._listens_at is None else ours.enter_context(bind(self._listens_at)).fileno()
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self._env,
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  a killed test run leaves nothing behind
            )

    def kill(self) -> None:
        """SIGKILL to the whole group, and wait until it is gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=60)

    def stop(self, grace_s: float = 10.0) -> None:
        """SIGTERM, then after the grace SIGKILL."""
        if self._process is None:
            return
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=grace_s)
        self.kill()

    def log_tail(self, chars: int = 2000) -> str:
        return self.log_path.read_text(errors="replace")[-chars:] if self.log_path.exists() else ""
