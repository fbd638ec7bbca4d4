"""Real stream worker processes."""

import os
import signal
import sys
import time
from pathlib import Path

from tests.support.broker import Broker
from tests.support.children import Child
from tests.support.ports import free_port_range

ROOT = Path(__file__).parents[2]


class StreamWorkers:
    """`count` workers on one broker; each can be killed and started again."""

    def __init__(self, broker: Broker, folder: Path, count: int, **settings: object) -> None:
        env = {
            "TIDEGATE_HOME": str(folder),
            "TIDEGATE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "TIDEGATE_MONITOR_PORT": str(free_port_range(10 + count)),
            "TIDEGATE_REBUILD_WINDOWS": "false",  # there is no ClickHouse; `settings` may name one
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "default",
            **{f"TIDEGATE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.monitor_port = int(env["TIDEGATE_MONITOR_PORT"]) + 10
        command = [sys.executable, "-m", "tidegate.processes.stream_worker", "--index"]
        self.children = [Child([*command, str(i)], folder, f"worker-{i}", env) for i in range(count)]

    def __enter__(self) -> "StreamWorkers":
        for child in self.children:
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.kill()

    def restart(self, index: int) -> None:
        """SIGKILL and start again."""
        self.children[index].kill()
        self.children[index].start()

    def revive(self) -> None:
        """Start again what ended by itself, as the supervisor would."""
        for child in self.children:
            if not child.running:
                child.start()

    def drain(self) -> None:
        """SIGTERM all: each finishes what waits."""
        for child in self.children:
            child.stop(grace_s=60)

    def print_tasks(self) -> None:
        """Have each write down what its tasks wait for."""
        for child in self.children:
            if child.running:
                os.kill(child.pid, signal.SIGUSR1)
        time.sleep(1)  # nothing says when it is written; this is only for a failure's log

    def whole_log(self) -> str:
        """Of all workers, in all their lives."""
        return "".join(child.log_path.read_text(errors="replace") for child in self.children)

    def log(self) -> str:
        return "\n".join(f"--- {child.log_path.name}\n{child.log_tail(30000)}" for child in self.children)
