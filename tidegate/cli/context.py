"""What most commands need: the settings, the registry, the state of the stack."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from model_runner.plain_text import printable
from tidegate.cli.exits import CliError, Exit, not_running
from tidegate.parts.state import Phase, StackState, running_state
from tidegate.settings import Settings

if TYPE_CHECKING:
    from storage.registry import Database


def load_settings() -> Settings:
    """Raises CliError where an environment variable holds what it cannot."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"TIDEGATE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        hint = "`tidegate settings --help` and docs/operations say what each may be"
        raise CliError("\n".join([*lines, hint]), Exit.USAGE) from None


def require_running(settings: Settings) -> StackState:
    """Raises CliError where no stack of this home runs."""
    state = running_state(settings.run_path)
    if state is None:
        raise not_running(settings.home_path)
    if state.phase is not Phase.RUNNING:
        raise CliError(f"The stack is {state.phase}: wait until `tidegate status` says running.", Exit.NOT_RUNNING)
    return state


HEAL = "Deploy the model again; what it was stands in a backup of the registry alone."
"""What to do about a row that is damaged."""


@contextmanager
def open_registry(settings: Settings) -> "Iterator[Database]":
    """The registry, its tables made where they are missing."""
    from storage.registry import DamagedRowError, Database, UnknownModelError  # noqa: PLC0415
    from tidegate.backends.migrating import MigrateError, migrate_registry  # noqa: PLC0415

    try:
        migrate_registry(settings)
        database = Database(settings.database_dsn)
    except MigrateError as error:
        raise CliError(str(error)) from error
    try:
        yield database
    except UnknownModelError as error:
        raise CliError(str(error)[:1].upper() + str(error)[1:], Exit.UNKNOWN) from error
    except DamagedRowError as error:
        raise CliError(f"The registry is damaged: {error}. {HEAL}") from error
    finally:
        database.close()


def warn(message: str) -> None:
    """To stderr, so that stdout stays JSON."""
    print(f"warning: {printable(message)}", file=sys.stderr)
