"""What the fetching step of a pod leaves for the serving step, which may write nothing there."""

from pathlib import Path

import msgspec

FILE = "start.json"


class Start(msgspec.Struct, frozen=True):
    folder: str
    executable: str
    options: tuple[str, ...]
    entry: tuple[str, ...]


def write_start(root: Path, start: Start) -> None:
    (root / FILE).write_bytes(msgspec.json.encode(start))


def read_start(root: Path) -> Start:
    """Raises FileNotFoundError where nothing was fetched."""
    return msgspec.json.decode((root / FILE).read_bytes(), type=Start)
