"""A stack with the settings' defaults for all modules that a worker of pytest runs: it is started once, and lent.

A module has it to itself while it runs, under names of models that no other module uses. What it may leave: versions,
repositories, jobs and stored events of these models. What it may not: a part that is not ready, or, unless it is a test
of just that, one that ended.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from storage import registry
from storage.registry import Database
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until
from tidegate.rollout.config import rollout_config
from tidegate.rollout.engine import tell
from tidegate.sockets import runner_socket
from tidegate.supervisor.plan import SPARE_PREFIX

Lives = dict[str, tuple[int, int]]


class SharedStack:
    """Started when it is first asked for. One that was not given back whole is stopped, and the next is another."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._running: RunningStack | None = None
        self._end = ExitStack()

    @contextmanager
    def lend(self, *, parts_end: bool = False) -> Iterator[RunningStack]:
        """The stack, without a deployment.

        Args:
            parts_end: the borrower ends parts, or the whole stack, on purpose; it gives it back running all the same.

        Raises:
            AssertionError: a part ended meanwhile, or the stack is not whole.
        """
        stack = self._running or self._start()
        before = _lives(stack)
        whole = False
        try:
            yield stack
            retire_all(stack)
            wait_until(lambda: _is_whole(stack), 60, "the stack to be whole, and without a runner")
            assert parts_end or _lives(stack) == before, f"parts ended: {before} became {_lives(stack)}\n{stack.logs()}"
            whole = True
        finally:
            if not whole:
                with suppress(AssertionError):  # what is told is how it broke
                    self.stop()

    def stop(self) -> None:
        """`tidegate down`, where it runs.

        Raises:
            AssertionError: something is left, of what nobody asked for either.
        """
        stack, self._running = self._running, None
        self._end.close()
        if stack is not None:
            assert stack.running() == [], "`tidegate down` leaves no process"
            sockets = runner_socket(stack.settings.run_path, "any").parents[1]
            assert not [path for path in sockets.iterdir() if path.name.startswith(SPARE_PREFIX)]

    def _start(self) -> RunningStack:
        self._running = self._end.enter_context(running_stack(self._make_folder(), spare_runners=1))
        return self._running


def retire_all(stack: RunningStack) -> None:
    """No deployment has a runner any more, and the workers know."""
    config = rollout_config(stack.settings)
    database = Database(config.database_dsn)
    try:
        for model in registry.list_models(database):
            before = registry.deployments_of(database, model.name, model.workspace)
            ended = [found for found in before if found.status in registry.WITH_RUNNER]
            for found in ended:
                registry.retire_deployment(database, found.id)
            if ended:
                tell(config, database, model.workspace, model.name, before)
    finally:
        database.close()


def _is_whole(stack: RunningStack) -> bool:
    parts = stack.parts()
    return bool(parts) and all(_is_at_rest(name, part) for name, part in parts.items())


def _is_at_rest(name: str, part: dict[str, Any]) -> bool:
    if name.startswith(SPARE_PREFIX):
        return True  # it comes and goes with what is deployed
    return not name.startswith("runner-") and part["condition"] in ("ready", "done")


def _lives(stack: RunningStack) -> Lives:
    """Of each part the process, and how often it was started again."""
    parts = {name: part for name, part in stack.parts().items() if part["condition"] != "done"}
    come_and_go = ("runner-", SPARE_PREFIX)
    return {name: (part["pid"], part["restarts"]) for name, part in parts.items() if not name.startswith(come_and_go)}
