"""A file of acknowledged events' ids, for tests that kill processes: what stands in it must not be lost."""

import os
from pathlib import Path


class AckedLog:
    """Appends by single writes, so that a killed process leaves only whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, event_ids: tuple[str, ...]) -> None:
        """Called in the producer's thread."""
        os.write(self._file, ("\n".join(event_ids) + "\n").encode())
