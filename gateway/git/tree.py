"""The files of a commit, before anything is written: links and submodules are refused, LFS pointers recognised."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LINK = "120000"
SUBMODULE = "160000"
POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d{1,15})\n"
)


class TreeError(Exception):
    """A commit that is not taken; the message names the file and the fix."""


@dataclass(frozen=True)
class Entry:
    mode: str
    object: str
    size: int
    path: str


@dataclass(frozen=True)
class Pointer:
    """What a Git LFS pointer stands for."""

    oid: str
    """SHA-256 of the content, in hexadecimal."""
    size: int


def entries(commit: str, environment: Mapping[str, str] | None = None, git_dir: str = ".") -> list[Entry]:
    """Every file of a commit.

    Raises:
        TreeError: one of them is a link or a submodule.
    """
    command = ["git", "--git-dir", git_dir, "ls-tree", "-r", "-z", "--long", "--full-tree", commit]
    found = _run(command, environment)
    listed = [_entry(record) for record in found.split(b"\0") if record]
    for entry in listed:
        if entry.mode == LINK:
            raise TreeError(f"{entry.path} is a symbolic link: replace it by what it points to")
        if entry.mode == SUBMODULE:
            raise TreeError(f"{entry.path} is a submodule: copy its files into the repository")
    return listed


def pointers(
    listed: list[Entry], environment: Mapping[str, str] | None = None, git_dir: str = "."
) -> Iterator[tuple[Entry, Pointer]]:
    """Those of the files that only point to a Git LFS object."""
    small = [entry for entry in listed if 0 < entry.size <= POINTER_BYTES]
    command = ["git", "--git-dir", git_dir, "cat-file", "--batch"]
    asked = "".join(f"{entry.object}\n" for entry in small).encode()
    rest = _run(command, environment, asked)
    for entry in small:
        # `<object> blob <size>`, the content, and one more line break.
        _, _, rest = rest.partition(b"\n")
        content, rest = rest[: entry.size], rest[entry.size + 1 :]
        found = parse_pointer(content)
        if found is not None:
            yield entry, found


def parse_pointer(content: bytes) -> Pointer | None:
    """The pointer that this file is; None where it is none."""
    found = _POINTER.fullmatch(content)
    return None if found is None else Pointer(found["oid"].decode(), int(found["size"]))


def _run(command: list[str], environment: Mapping[str, str] | None, asked: bytes = b"") -> bytes:
    done = subprocess.run(command, input=asked, capture_output=True, check=False, env=environment)
    if done.returncode:
        raise TreeError(f"git cannot read the commit: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _entry(record: bytes) -> Entry:
    head, _, path = record.partition(b"\t")
    mode, _, name, size = head.decode().split()
    return Entry(mode, name, int(size) if size.isdigit() else 0, path.decode("utf-8", "replace"))
