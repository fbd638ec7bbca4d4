"""Writes the files of a commit into a folder: counted first, then streamed, so that size costs no memory."""

from collections.abc import Mapping
from pathlib import Path

from gateway.git.content.blobs import Blobs
from gateway.git.content.tree import Entry, Pointer, TreeError, entries, may_be_pointer, parse_pointer
from gateway.git.lfs.store import LfsObjectError, LfsStore, copy_object
from model_runner.disk.space import is_full, no_room
from model_runner.folder.bounds import FolderBounds, Tally

NO_LFS = "push the repository to Tidegate's own git remote, which takes LFS objects, or commit the file itself"


def export(
    tree: str,
    folder: Path,
    store: LfsStore | None,
    bounds: FolderBounds,
    environment: Mapping[str, str] | None = None,
    git_dir: str = ".",
) -> None:
    """Fill `folder`, which must exist and be empty. Files and folders that begin with a dot are left out.

    Args:
        tree: a commit's full name, or `<commit>:<folder>` for what is below that folder.
        store: where the objects of LFS pointers are; None where there is no such store.
        bounds: what it may hold. Nothing is written of what holds more.
        environment, git_dir: of git; a hook has both already.

    Raises:
        FolderError: it holds what is not taken, or too much, or a pointer without its object; or the disk is full.
    """
    tally = Tally(bounds)
    listed = entries(tree, tally, environment, git_dir)
    with Blobs(environment, git_dir) as blobs:
        pointers = _pointers(listed, blobs)
        for entry in listed:
            pointer = pointers.get(entry.path)
            tally.add_bytes(entry.size if pointer is None else pointer.size)
            if pointer is not None:
                _refuse_missing(entry, pointer, store)
        tally.refuse_without_room(folder)
        for entry in listed:
            _write(entry, folder, blobs, _object_of(entry, pointers, store))


def _pointers(listed: list[Entry], blobs: Blobs) -> dict[str, Pointer]:
    """By path."""
    found = {}
    for entry in listed:
        if may_be_pointer(entry.size):
            pointer = parse_pointer(blobs.read(entry.object, entry.size))
            if pointer is not None:
                found[entry.path] = pointer
    return found


def _refuse_missing(entry: Entry, pointer: Pointer, store: LfsStore | None) -> None:
    if store is None:
        raise TreeError(f"{entry.shown} is a Git LFS pointer, and its object cannot be fetched: {NO_LFS}")
    if not store.holds(pointer.oid, pointer.size):
        named = f"{pointer.size:,} bytes, {pointer.oid[:12]}…"
        fix = "run `git lfs install` and `git lfs push --all tidegate`, then push again"
        raise TreeError(f"{entry.shown} is a Git LFS pointer, but its object ({named}) was never uploaded: {fix}")


def _object_of(entry: Entry, pointers: Mapping[str, Pointer], store: LfsStore | None) -> Path | None:
    pointer = pointers.get(entry.path)
    return None if pointer is None or store is None else store.path(pointer.oid)


def _write(entry: Entry, folder: Path, blobs: Blobs, content: Path | None) -> None:
    """From git, or from the store of LFS. A copy: what a model does to its own file must not reach the store."""
    target = folder / entry.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            if content is None:
                blobs.copy(entry.object, entry.size, file)
            else:
                copy_object(content, file)
    except LfsObjectError as error:
        raise TreeError(f"{entry.shown} is a Git LFS pointer, and {error}") from error
    except OSError as error:
        if is_full(error):
            raise TreeError(no_room(error, folder)) from error
        # The same name twice, or as a file and as a folder; a name too long for the disk; a disk that filled up.
        raise TreeError(f"{entry.shown} cannot be written ({error.strerror or error})") from error
