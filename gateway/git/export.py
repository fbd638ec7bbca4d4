"""Writes the files of a commit into a folder, through `git archive`: streamed, so that size costs no memory."""

import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gateway.git.lfs_store import LfsStore
from gateway.git.tree import Entry, Pointer, TreeError, entries, pointers


def export(
    commit: str, folder: Path, store: LfsStore | None, environment: Mapping[str, str] | None = None, git_dir: str = "."
) -> None:
    """Fill `folder`, which must exist and be empty.

    Args:
        commit: its full name.
        store: where the objects of LFS pointers are; None where there is no such store.
        environment, git_dir: of git; a hook has both already.

    Raises:
        TreeError: the commit holds what is not taken, or a pointer without its object.
    """
    listed = entries(commit, environment, git_dir)
    pointed = [(entry, pointer) for entry, pointer in pointers(listed, environment, git_dir) if _is_used(entry)]
    for entry, pointer in pointed:
        _refuse_missing(entry, pointer, store)
    _archive(commit, folder, environment, git_dir)
    for entry, pointer in pointed:
        if store is not None:
            _replace(folder / entry.path, store.path(pointer.oid))


def _is_used(entry: Entry) -> bool:
    """Hidden files are no part of a model."""
    return not any(part.startswith(".") for part in PurePosixPath(entry.path).parts)


def _refuse_missing(entry: Entry, pointer: Pointer, store: LfsStore | None) -> None:
    if store is None:
        raise TreeError(f"{entry.path} is a Git LFS pointer, and its object cannot be fetched: {NO_LFS}")
    if not store.holds(pointer.oid, pointer.size):
        named = f"{pointer.size:,} bytes, {pointer.oid[:12]}…"
        fix = "run `git lfs install` and `git lfs push --all tidegate`, then push again"
        raise TreeError(f"{entry.path} is a Git LFS pointer, but its object ({named}) was never uploaded: {fix}")


NO_LFS = "push the repository to Tidegate's own git remote, which takes LFS objects, or commit the file itself"


def _archive(commit: str, folder: Path, environment: Mapping[str, str] | None, git_dir: str) -> None:
    command = ["git", "--git-dir", git_dir, "archive", "--format=tar", commit]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        if process.stdout is None:
            raise RuntimeError("git was started without its pipe")
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    _extract(archive, member, folder)
        except tarfile.TarError as error:
            raise TreeError(f"git wrote no archive of {commit} ({error}): is a path in it valid?") from error
        # What follows the archive's end is padding; git must not die of a closed pipe.
        while process.stdout.read(65_536):
            pass
    if process.returncode:
        raise TreeError(f"git archive ended with exit code {process.returncode}: is the repository whole?")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Files and folders only, and only below `folder`: the tree was looked at, this is the second lock."""
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts or ".git" in parts:
        raise TreeError(f"{member.name!r} is no path of a model's file: rename it")
    target = folder.joinpath(*parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    source = archive.extractfile(member) if member.isfile() else None
    if source is None:
        raise TreeError(f"{member.name} is neither a file nor a folder: replace it by a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(source, file, 1_048_576)


def _replace(pointer: Path, content: Path) -> None:
    """The object in the pointer's place. A copy: what a model does to its own file must not reach the store."""
    pointer.unlink(missing_ok=True)
    shutil.copyfile(content, pointer)
