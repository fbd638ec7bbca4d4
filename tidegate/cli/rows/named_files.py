"""Files that somebody names on the command line, read; what cannot be is said in a line with what to do."""

import stat
from pathlib import Path

from tidegate.cli.exits import CliError, Exit


def read_named(path: Path) -> bytes:
    """Its bytes. A pipe is none: who opened it might wait for ever.

    Raises:
        CliError: it is not there, is none, or may not be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CliError(f"{path} is a folder. Name a file in it.", Exit.USAGE)
        if not stat.S_ISREG(mode):
            raise CliError(f"{path} is no ordinary file. Pipe it in instead: `… - < {path}`.", Exit.USAGE)
        return path.read_bytes()
    except OSError as error:
        raise CliError(in_a_line(error, path), Exit.USAGE) from error


def in_a_line(error: OSError, path: Path | str) -> str:
    """What is the matter with a file, and what to do."""
    if isinstance(error, FileNotFoundError):
        return f"{path} is not there. Check its name and the folder that you are in ({Path.cwd()})."
    if isinstance(error, PermissionError):
        return f"{path} may not be used by this user. Change its permissions, or take another."
    return f"{path} cannot be used: {error.strerror or type(error).__name__}."
