"""How the command ends: exit codes, and errors that say what to do next."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `tidegate`."""

    OK = 0
    FAILED = 1
    """It did not work; the reason is on stderr."""
    USAGE = 2
    """The arguments or the settings are wrong."""
    NOT_RUNNING = 3
    """It needs the stack, which is not running."""
    UNKNOWN = 4
    """No model of that name, or no such version or deployment."""
    REFUSED = 5
    """The model folder or the data was looked at and refused."""


class CliError(Exception):
    """Ends the command with a message and a code."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def not_running(home: object) -> CliError:
    return CliError(f"The stack of {home} is not running: start it with `tidegate up`.", Exit.NOT_RUNNING)
