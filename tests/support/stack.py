"""A whole stack of a test's own, started and stopped as a user does it: with `tidegate up` and `tidegate down`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.support.ports import free_port_range
from tests.support.reaper import end_stack, reap_with_us
from tests.support.waiting import wait_until
from tidegate.parts.leftovers import members
from tidegate.parts.state import running_state
from tidegate.settings import Settings
from tidegate.supervisor.plan import SPARE_PREFIX

Finished = subprocess.CompletedProcess[str]

COMMAND_S = 600
"""What a busy machine may take for any command. Only a test that fails waits so long."""
PORTS = 24
"""Gateway, broker, ClickHouse, then the monitors: sink +0, notifier +1, stream workers +10 and up."""


@dataclass
class RunningStack:
    settings: Settings
    env: dict[str, str]
    """What a process needs to belong to this stack."""

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    def tidegate(
        self, *args: str, check: bool = True, deadline_s: float = COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI; with `check` it must end with 0."""
        command = [sys.executable, "-c", "from tidegate.cli import main; main()", *args]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            env=self.env,
            cwd=self.settings.home_path,
            check=False,
        )
        assert not check or done.returncode == 0, f"tidegate {args} ended with {done.returncode}: {self._why(done)}"
        return done

    def json(self, *args: str) -> Any:
        """What a command says with `--json`."""
        return json.loads(self.tidegate(*args, "--json").stdout)

    def parts(self) -> dict[str, dict[str, Any]]:
        """Every process by name, as `tidegate status` reads it; that command's own second of CPU is for other tests."""
        state = running_state(self.settings.run_path)
        return {part.name: msgspec.to_builtins(part) for part in state.parts} if state is not None else {}

    def pid(self, name: str) -> int:
        """Of the process of this name (the first runner for `runner`)."""
        part = self._find(name)
        assert part is not None, f"no process {name!r} among {sorted(self.parts())}"
        assert part["pid"], f"{name} does not run: {part}"
        return int(part["pid"])

    def supervisor_pid(self) -> int:
        state = running_state(self.settings.run_path)
        assert state is not None, "no supervisor runs"
        return state.pid

    def kill(self, name: str) -> int:
        """SIGKILL; the pid that it had."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, name: str, other_than: int | None = None, deadline_s: float = 60) -> int:
        """Wait until the process is ready (with another pid than this); its pid."""

        def ready() -> int | None:
            part = self._find(name)
            if part is None or part["condition"] != "ready" or part["pid"] == other_than:
                return None
            return int(part["pid"])

        return wait_until(ready, deadline_s, f"{name} to be ready", 0.1) or 0

    def spare_runner(self, other_than: int | None = None) -> tuple[str, int]:
        """Name and pid of the process that is ready for the next push, once there is one (with another pid)."""

        def ready() -> tuple[str, int] | None:
            for name, part in self.parts().items():
                if name.startswith(SPARE_PREFIX) and part["condition"] == "ready" and part["pid"] != other_than:
                    return name, int(part["pid"])
            return None

        return wait_until(ready, 120, "a spare runner", 0.1) or ("", 0)

    def logs(self, chars: int = 3000) -> str:
        """The end of every log."""
        texts = (f"--- {path.stem}\n{path.read_text(errors='replace')[-chars:]}" for path in self._log_paths())
        return "\n".join(texts)

    def running(self) -> list[int]:
        """Pids of all its processes, whoever their parent is."""
        return [process.pid for process in members(str(self.settings.home_path))]

    def _log_paths(self) -> list[Path]:
        return sorted(self.settings.logs_path.glob("*.log"))

    def _find(self, name: str) -> dict[str, Any] | None:
        return next((part for key, part in self.parts().items() if key == name or key.startswith(f"{name}-")), None)

    def _why(self, done: Finished) -> str:
        return f"{done.stdout}\n{done.stderr}\n{self.logs()}"


def stack_of(home: Path, **given: object) -> RunningStack:
    """A stack that is not started: its own home and ports, and these settings by their names.

    Without a spare runner, which only those have that are about it: it takes a second of CPU after each start.
    """
    first = free_port_range(PORTS)
    chosen: dict[str, object] = {
        "home": home,
        "gateway_port": first,
        "broker_port": first + 1,
        "clickhouse_port": first + 2,
        "monitor_port": first + 3,
        "spare_runners": 0,
        **given,
    }
    env = {key: value for key, value in os.environ.items() if not key.startswith("TIDEGATE_")}
    env |= {f"TIDEGATE_{key.upper()}": str(value) for key, value in chosen.items()}
    env["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings.model_validate(chosen)
    reap_with_us(settings.home_path)
    return RunningStack(settings, env)


@contextmanager
def running_stack(tmp_path: Path, **given: object) -> Iterator[RunningStack]:
    """`tidegate up`, then at the end `tidegate down`; whatever a failed test left is killed."""
    stack = stack_of(tmp_path / "home", **given)
    try:
        stack.tidegate("up")
        yield stack
        stack.tidegate("down")
    finally:
        if stack.running():
            stack.tidegate("down", "--now", check=False)
            end_stack(str(stack.settings.home_path))
