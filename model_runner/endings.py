"""How a process ended, in words."""

import signal


def how_ended(code: int) -> str:
    """`SIGKILL`, or `exit code 3`. Bubblewrap passes a signal on as 128 and its number, as a shell does."""
    number = -code if code < 0 else code - 128
    if number in {each.value for each in signal.Signals}:
        return signal.Signals(number).name
    return f"exit code {code}"
