"""The files of a commit, before anything is written: links and submodules are refused, LFS pointers recognised."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.git.content.listing import ListingError, listing
from model_runner.folder.bounds import FolderError, Tally
from model_runner.plain_text import STAND_IN, plain, printable

LINK = "120000"
SUBMODULE = "160000"
FOLDER = "040000"
POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d{1,15})\n"
)


class TreeError(FolderError):
    """A commit that is not taken; the message names the file and the fix."""


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    object: str
    size: int
    path: str

    @property
    def shown(self) -> str:
        """Its path, in a message."""
        return plain(self.path, 120)

    @property
    def is_hidden(self) -> bool:
        """Hidden files are no part of a model."""
        return any(part.startswith(".") for part in self.path.split("/"))


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a Git LFS pointer stands for."""

    oid: str
    """SHA-256 of the content, in hexadecimal."""
    size: int


def entries(tree: str, tally: Tally, environment: Mapping[str, str] | None = None, git_dir: str = ".") -> list[Entry]:
    """Every file of a commit, or of a folder of it, that belongs to a model. The first that is too much ends git.

    Args:
        tree: a commit's full name, or `<commit>:<folder>`.
        tally: counts files and folders, the hidden ones too; the bytes are left to who knows what becomes of them.

    Raises:
        FolderError: one of them is a link or a submodule, or cannot be a file's name; or there is too much.
    """
    # -t: folders are told of too, or a tree of a billion empty ones would be walked without a word.
    command = ("--git-dir", git_dir, "ls-tree", "-r", "-t", "-z", "--long", "--full-tree", tree)
    found = []
    try:
        with listing(command, environment) as records:
            for record in records:
                entry = _entry(record)
                tally.add(entry.path)
                _refuse_odd(entry)
                if entry.mode != FOLDER and not entry.is_hidden:
                    found.append(entry)
    except ListingError as error:
        raise TreeError(f"git cannot read the commit: {plain(error)}") from None
    return found


def _refuse_odd(entry: Entry) -> None:
    if entry.mode == LINK:
        raise TreeError(f"{entry.shown} is a symbolic link: replace it by what it points to")
    if entry.mode == SUBMODULE:
        raise TreeError(f"{entry.shown} is a submodule: copy its files into the repository")
    # git refuses such names where they are pushed; other hosts may have taken them.
    parts = entry.path.split("/")
    if "" in parts or ".." in parts or "." in parts or ".git" in (part.lower() for part in parts):
        raise TreeError(f"{entry.shown} is no path of a model's file: rename it")
    if printable(entry.path) != entry.path or STAND_IN in entry.path:
        raise TreeError(f"{entry.shown} is a name with characters that cannot be shown: rename it")


def parse_pointer(content: bytes) -> Pointer | None:
    """The pointer that this file is; None where it is none."""
    found = _POINTER.fullmatch(content)
    return None if found is None else Pointer(found["oid"].decode(), int(found["size"]))


def may_be_pointer(size: int) -> bool:
    return 0 < size <= POINTER_BYTES


def small_blobs(git_dir: str, environment: Mapping[str, str] | None) -> Iterator[tuple[str, int]]:
    """Name and size of every object of a repository that may be a pointer, also of those that no branch leads to.

    Raises:
        TreeError: git cannot read the repository.
    """
    command = ("--git-dir", git_dir, "cat-file", "--batch-all-objects", "--batch-check")
    try:
        with listing(command, environment, b"\n") as records:
            for record in records:
                name, kind, size = record.decode().split()
                if kind == "blob" and may_be_pointer(int(size)):
                    yield name, int(size)
    except ListingError as error:
        raise TreeError(f"git cannot list the objects of {git_dir}: {plain(error)}") from None


def _entry(record: bytes) -> Entry:
    head, _, path = record.partition(b"\t")
    mode, _, name, size = head.decode().split()
    return Entry(mode, name, int(size) if size.isdigit() else 0, path.decode("utf-8", "replace"))
