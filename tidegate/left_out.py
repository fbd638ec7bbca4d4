"""What libraries would load in case somebody uses it, and no process of ours does."""

import sys

RICH = "rich"
"""structlog loads it for colourful tracebacks: a tenth of a second of CPU at each start. Logs are plain text here."""
CLIENT_OF_HTTPX = "httpx._main"
"""A command line of its own, with click, rich and pygments."""


def leave_out(*names: str) -> None:
    """Let these be missing, as if they were not installed: the libraries that look for them do without."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = None  # type: ignore[assignment]  # how Python is told so
