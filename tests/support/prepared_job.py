"""A deployment that is prepared in a running stack, and waits for git to take its commit."""

import shutil
from collections.abc import Iterator
from typing import Any

from gateway.deployer.client import ask, follow
from gateway.deployer.protocol import Ended, JobPrepared, Submit, Taken
from tests.support.git_client import Clone
from tests.support.stack import RunningStack
from tidegate.sockets import deployer_socket


class PreparedJob:
    """A job that is prepared, and waits for a git whose part the test plays."""

    def __init__(self, stack: RunningStack, clone: Clone, model: str, pusher: int) -> None:
        self._stack = stack
        self.socket = deployer_socket(stack.settings.run_path)
        self.repository = clone.folder / ".git"
        self.commit = clone.git("rev-parse", "HEAD")
        # Git has not taken the commit: the branch is not there yet.
        clone.git("checkout", "--quiet", "--detach")
        clone.git("update-ref", "-d", "refs/heads/main")
        folder = stack.settings.home_path / "staging" / f"push-{model}"
        shutil.copytree(clone.folder, folder, ignore=shutil.ignore_patterns(".git"))
        message = Submit(
            workspace="default",
            model=model,
            branch="main",
            preview=False,
            commit=self.commit,
            before="0" * 40,
            folder=str(folder),
            received_s=0.1,
            repository=str(self.repository),
            pusher=pusher,
            url=stack.gateway_url,
        )
        self.job = next(answer.job for answer in ask(self.socket, message) if isinstance(answer, Taken))
        assert any(isinstance(answer, JobPrepared) for answer in until(self.follow(), JobPrepared))

    def follow(self) -> Iterator[Any]:
        return follow(self.socket, self.job)

    def kill_deployer(self) -> None:
        pid = self._stack.kill("deployer")
        self._stack.wait_ready("deployer", other_than=pid)


def until(answers: Iterator[Any], last: type) -> list[Any]:
    found = []
    for answer in answers:
        found.append(answer)
        if isinstance(answer, last | Ended):
            return found
    return found
