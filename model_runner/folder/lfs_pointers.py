"""Files of Git LFS that were not fetched: a few lines of text where the content should be."""

from pathlib import Path

from model_runner.errors import ModelError

_HEAD = b"version https://git-lfs.github.com/spec/v1\n"
_LONGEST = 1024
"""Bytes of a pointer, by its specification."""


def refuse_pointer(path: Path) -> None:
    """Raises ModelError where the file is a pointer without its object."""
    if path.stat().st_size >= _LONGEST:
        return
    with path.open("rb") as file:
        head = file.read(len(_HEAD))
    if head == _HEAD:
        raise ModelError(
            path.name,
            "is a Git LFS pointer: the file itself is not here",
            f"Fetch it where it was pushed from (git lfs pull), or keep it out of LFS: "
            f"git lfs untrack {path.name}, then git add --renormalize {path.name}",
        )
