"""A user's git: real repositories, pushed to a real remote."""

import os
import re
import subprocess
from pathlib import Path

from tests.support.stack import RunningStack

ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
PUSH_S = 600


class Pushed:
    """How a push ended, and what it said."""

    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output
        # Git pads what a server says, so that it overwrites its own progress.
        lines = re.split(r"[\n\r]", output)
        self.remote = [line.removeprefix("remote: ").rstrip() for line in lines if line.startswith("remote:")]

    @property
    def told(self) -> str:
        """What the server said."""
        return "\n".join(self.remote)

    def __repr__(self) -> str:
        return f"push ended with {self.code}:\n{self.output}"


class Clone:
    """A working copy with the model's remote as `tidegate`."""

    def __init__(self, folder: Path, url: str, object_format: str = "sha1") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")
        self.git("remote", "add", "tidegate", url)

    def git(self, *arguments: str, check: bool = True) -> str:
        done = self.run(*arguments)
        assert not check or done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def run(self, *arguments: str, timeout_s: float = PUSH_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **ENV},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )

    def commit(self, message: str = "A model") -> str:
        """Everything that is there; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *arguments: str) -> Pushed:
        done = self.run("push", "tidegate", *(arguments or ("main",)))
        return Pushed(done.returncode, done.stderr)

    def start_push(self, *arguments: str) -> subprocess.Popen[str]:
        """For those that are to be watched or killed."""
        return subprocess.Popen(
            ["git", "push", "tidegate", *(arguments or ("main",))],
            cwd=self.folder,
            env={**os.environ, **ENV},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def finished(process: subprocess.Popen[str]) -> Pushed:
    """The end of a push that was started."""
    _, output = process.communicate(timeout=PUSH_S)
    return Pushed(process.returncode, output)


def remote_url(stack: RunningStack, model: str, token: str | None = None, workspace: str = "default") -> str:
    """With the token as its password."""
    password = token if token is not None else (stack.settings.home_path / "token").read_text().strip()
    return f"http://git:{password}@127.0.0.1:{stack.settings.gateway_port}/git/{workspace}/{model}.git"
