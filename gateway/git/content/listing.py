"""Records of a git command that ends each with a NUL: read as they come, and the command ended when it is too much."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from gateway.git.memory import NO_MEMORY, says_no_memory

CHUNK_BYTES = 65_536
RECORD_BYTES = 8192
"""No record that could be taken is longer: a path has at most 1024 bytes."""
SAID_BYTES = 2000


class ListingError(Exception):
    """Git cannot list it, or a record is too long."""


@contextmanager
def listing(
    arguments: Sequence[str], environment: Mapping[str, str] | None, end: bytes = b"\0"
) -> Iterator[Iterator[bytes]]:
    """The records of `git <arguments>`; whoever leaves early ends git.

    Raises:
        ListingError: git failed, in its own words; or a record is longer than RECORD_BYTES.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["git", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=environment
        )
        if process.stdout is None:
            raise RuntimeError("git was started without its pipe")
        try:
            yield _records(process.stdout, process, said, end)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()


def _records(out: IO[bytes], process: subprocess.Popen[bytes], said: IO[bytes], end: bytes) -> Iterator[bytes]:
    rest = b""
    while chunk := out.read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(end)
        if len(rest) > RECORD_BYTES or any(len(record) > RECORD_BYTES for record in whole):
            raise ListingError(f"one of its paths is longer than {RECORD_BYTES} bytes")
        yield from whole
    if process.wait():
        said.seek(0)
        words = said.read(SAID_BYTES)
        if says_no_memory(words):
            raise ListingError(NO_MEMORY)
        raise ListingError(words.decode(errors="replace").strip() or "git said nothing")
