"""How a process ended, in words."""

import signal

_CRASHES = frozenset({"SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"})
"""Signals that code in C or C++ ends by."""


def likely_cause(code: int) -> str:
    """What most often makes a library end the process that loads a file; empty where the ending says nothing."""
    if how_ended(code) not in _CRASHES:
        return ""
    return (
        "Its library ended the process instead of saying what is wrong: most often the file is cut off, was changed "
        "on its way (line ends, text mode), or is of another version. Load it once with the package versions that "
        "serve it, save it again, and compare the two files. "
    )


def how_ended(code: int) -> str:
    """`SIGKILL`, or `exit code 3`. Bubblewrap passes a signal on as 128 and its number, as a shell does."""
    number = -code if code < 0 else code - 128
    if number in {each.value for each in signal.Signals}:
        return signal.Signals(number).name
    return f"exit code {code}"
