"""Reads the content of blobs through one `git cat-file --batch`: as it was committed, since attributes that change an
archive (`export-ignore`, `export-subst`, `eol`) mean nothing to it. Streamed, so that size costs no memory."""

import subprocess
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import IO, BinaryIO, Self

from gateway.git.content.tree import TreeError
from gateway.git.memory import NO_MEMORY, says_no_memory

CHUNK_BYTES = 1_048_576
SAID_BYTES = 2000


class Blobs:
    """One process, asked for one blob after the other."""

    def __init__(self, environment: Mapping[str, str] | None, git_dir: str) -> None:
        command = ["git", "--git-dir", git_dir, "cat-file", "--batch"]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
        self._said.close()

    def read(self, name: str, size: int) -> bytes:
        """A small one, whole. Raises TreeError where git has no such blob of this size."""
        out = self._ask(name, size)
        content = out.read(size)
        self._end(out, len(content), size)
        return content

    def copy(self, name: str, size: int, target: BinaryIO) -> None:
        """Raises TreeError where git has no such blob of this size."""
        out = self._ask(name, size)
        left = size
        while left and (chunk := out.read(min(left, CHUNK_BYTES))):
            target.write(chunk)
            left -= len(chunk)
        self._end(out, size - left, size)

    def _ask(self, name: str, size: int) -> IO[bytes]:
        """Where the content follows."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("git was started without its pipes")
        try:
            stdin.write(f"{name}\n".encode())
            stdin.flush()
        except BrokenPipeError:
            raise self._error(f"git ended before it gave object {name}") from None
        # `<object> blob <size>`, the content, and one more line break.
        head = stdout.readline(200).split()
        if head[1:] != [b"blob", str(size).encode()]:
            raise self._error(f"git has no file {name} of {size} bytes")
        return stdout

    def _end(self, out: IO[bytes], found: int, size: int) -> None:
        if found != size or out.read(1) != b"\n":
            raise self._error("git ended in the middle of a file")

    def _error(self, what: str) -> TreeError:
        self._process.kill()
        self._process.wait()
        self._said.seek(0)
        return TreeError(
            NO_MEMORY if says_no_memory(self._said.read(SAID_BYTES)) else f"{what}: is the repository whole?"
        )
