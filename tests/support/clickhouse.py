"""The embedded ClickHouse as a real process, for tests."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunningServer:
    """A server that answers: where, and its process."""

    url: str
    host: str
    port: int
    process: "subprocess.Popen[str]"

    def kill(self) -> None:
        """kill -9, and wait for the process to be gone."""
        self.process.kill()
        self.process.wait(30)

    def stop(self, timeout_s: float = 60) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


def start_clickhouse(
    path: Path,
    options: Sequence[str] = (),
    env: dict[str, str] | None = None,
    deadline_s: float = 60,
    module: str = "tidegate.processes.clickhouse",
) -> RunningServer:
    """Start the server on the folder `path` and a free port, and wait until it answers; `module` is what is run.

    Raises RuntimeError with what it wrote when it does not answer within `deadline_s` seconds.
    """
    command = [sys.executable, "-m", module, "--path", str(path), "--port", "0", *options]
    if "CLICKHOUSE_PASSWORD" not in (env or {}):
        command.append("--without-password")
    log = path.with_name(path.name + ".log").open("a+")
    with log:
        process = subprocess.Popen(
            command, cwd=_ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=log, text=True
        )
        line = _ready_line(process, deadline_s)
        if not line:
            process.kill()
            code = process.wait(30)
            log.seek(0)
            raise RuntimeError(f"the ClickHouse server did not start (exit code {code}):\n{log.read()}")
    url = next(word for word in line.split() if word.startswith("http://"))
    with urllib.request.urlopen(f"{url}/ping", timeout=60) as answer:  # noqa: S310 - our own server
        if answer.read() != b"Ok.\n":
            raise RuntimeError("the ClickHouse server answers /ping wrongly")
    host, _, port = url.removeprefix("http://").rpartition(":")
    return RunningServer(url, host, int(port), process)


def _ready_line(process: "subprocess.Popen[str]", deadline_s: float) -> str:
    if process.stdout is None:
        raise ValueError("the process has no pipe for its output")
    readable, _, _ = select.select([process.stdout], [], [], deadline_s)
    return process.stdout.readline() if readable else ""


@contextlib.contextmanager
def clickhouse_server(
    path: Path,
    options: Sequence[str] = (),
    env: dict[str, str] | None = None,
    deadline_s: float = 60,
    module: str = "tidegate.processes.clickhouse",
) -> Iterator[RunningServer]:
    """A running server on the chDB folder `path`, stopped at the end; `options` are its command line's."""
    server = start_clickhouse(path, options, env, deadline_s, module)
    try:
        yield server
    finally:
        try:
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
            if server.process.stdout is not None:
                server.process.stdout.close()
