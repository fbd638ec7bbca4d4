"""Looks into the registry of a running stack, faster than by a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from storage import registry
from storage.registry import Database, Deployment, Job, Status
from tests.support.stack import RunningStack


@contextmanager
def _opened(stack: RunningStack) -> Iterator[Database]:
    database = Database(stack.settings.database_dsn)
    try:
        yield database
    finally:
        database.close()


def jobs(stack: RunningStack, model: str) -> list[Job]:
    """Newest first."""
    with _opened(stack) as database:
        return registry.list_jobs(database, model)


def job_of(stack: RunningStack, number: int) -> Job:
    with _opened(stack) as database:
        return registry.get_job(database, number)


def log_of(stack: RunningStack, job: int) -> list[str]:
    with _opened(stack) as database:
        return [line.text for line in registry.lines_of(database, job)]


def live(stack: RunningStack, model: str) -> int:
    """The version that has the traffic; 0 where none has."""
    with _opened(stack) as database:
        found = next((found for found in registry.list_models(database) if found.name == model), None)
        return 0 if found is None or found.live is None else found.live.version


def deployments(stack: RunningStack, model: str) -> list[Deployment]:
    """Newest first."""
    with _opened(stack) as database:
        return registry.deployments_of(database, model)


def statuses(stack: RunningStack, model: str) -> list[Status]:
    """Of the model's deployments, newest first."""
    return [found.status for found in deployments(stack, model)]
