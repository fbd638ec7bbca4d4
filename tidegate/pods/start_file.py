"""What the fetching step of a pod leaves for the serving step, which may write nothing there."""

import errno
from pathlib import Path

import msgspec

from model_runner.decode_errors import UNREADABLE

FILE = "start.json"


class Start(msgspec.Struct, frozen=True):
    folder: str
    executable: str
    options: tuple[str, ...]
    entry: tuple[str, ...]


def write_start(root: Path, start: Start) -> None:
    (root / FILE).write_bytes(msgspec.json.encode(start))


def read_start(root: Path) -> Start:
    """Raises OSError where nothing was fetched, or it is damaged."""
    path = root / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Start)
    except UNREADABLE as error:
        raise OSError(errno.EILSEQ, f"{path} is damaged: {error}") from error
