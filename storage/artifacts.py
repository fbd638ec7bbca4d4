"""Model files in any store that fsspec speaks to: kept by the hash of their content, fetched once to a local folder.

Both survive a loss of power: what is written is on disk before what marks it as complete, and what is found is compared
with its hash where that can have been otherwise. What is not whole is written, or fetched, again.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec  # type: ignore[import-untyped]
import msgspec
from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from model_runner.disk.durable import make_folder, replace, sync_file, sync_tree
from model_runner.disk.seals import Seals
from storage.artifact_removal import FETCHING, INDEX, in_use

COPY_BYTES = 1_048_576


class ArtifactError(Exception):
    """An artifact is missing, incomplete or not what its hash says."""


@dataclass(frozen=True)
class Artifact:
    url: str
    sha256: str
    """Of the names and the content of all files."""


class _Entry(msgspec.Struct, frozen=True):
    path: str
    sha256: str
    size: int


def put(folder: Path, files: Iterable[str], store_url: str) -> Artifact:
    """Store these files of a folder (paths relative to it, `/` between parts). The same files have the same URL.

    Raises:
        ArtifactError: a file is missing, a link, or outside of the folder.
    """
    entries = [_entry(folder, name) for name in sorted(set(files))]
    if not entries:
        raise ArtifactError(f"nothing to store in {folder}: name at least the model file")
    index = msgspec.json.encode(entries)
    digest = hashlib.sha256(index).hexdigest()
    url = f"{store_url.rstrip('/')}/{digest}"
    fs, root = url_to_fs(url)
    if isinstance(fs, LocalFileSystem):
        with in_use(Path(root).parent):
            make_folder(Path(root))
            _put_all(fs, folder, entries, root, index)
            os.utime(Path(root) / INDEX)
    else:
        _put_all(fs, folder, entries, root, index)
    return Artifact(url, digest)


def _put_all(fs: fsspec.AbstractFileSystem, folder: Path, entries: list[_Entry], root: str, index: bytes) -> None:
    """Write what is not there as it should be."""
    missing = [entry for entry in entries if not _is_stored(fs, f"{root}/{entry.path}", entry)]
    for entry in missing:
        _put_file(fs, folder / entry.path, f"{root}/{entry.path}")
    if missing or not _is_index(fs, root, hashlib.sha256(index).hexdigest()):
        if isinstance(fs, LocalFileSystem):
            sync_tree(Path(root))
        # The index is what makes it an artifact; writers of the same content write the same bytes.
        _put_bytes(fs, index, f"{root}/{INDEX}")


def fetch(url: str, sha256: str, cache: Path) -> Path:
    """The local folder of an artifact, read-only by convention. What is there already, and whole, is not fetched again.

    Raises:
        ArtifactError: the store has no such artifact, or other bytes than its hash says.
    """
    with in_use(cache):
        folder = _fetch(url, sha256, cache)
        Seals(cache).touch(sha256)
    return folder


def _fetch(url: str, sha256: str, cache: Path) -> Path:
    folder, seals = cache / sha256, Seals(cache)
    if folder.is_dir() and seals.is_whole(sha256, folder):
        return folder
    fs, root = url_to_fs(url)
    index = _read_index(fs, root, sha256)
    if folder.is_dir():
        _mend(fs, root, index, folder)
    else:
        _fetch_all(fs, root, index, folder)
    seals.put(sha256, folder)
    return folder


def _fetch_all(fs: fsspec.AbstractFileSystem, root: str, index: list[_Entry], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=FETCHING, dir=folder.parent) as name:
        fresh = Path(name) / "artifact"
        fresh.mkdir()
        for entry in index:
            _fetch_file(fs, root, entry, fresh)
        sync_tree(fresh)
        try:
            replace(fresh, folder)
        except OSError:
            # Another process fetched it meanwhile: the content is the same.
            if not folder.is_dir():
                raise


def _mend(fs: fsspec.AbstractFileSystem, root: str, index: list[_Entry], folder: Path) -> None:
    """Fetch those files that are not what they should be. In place: a runner may read the others."""
    for entry in index:
        target = folder / entry.path
        if not target.is_file() or _sha256(target) != entry.sha256:
            with tempfile.TemporaryDirectory(prefix=FETCHING, dir=folder.parent) as name:
                _fetch_file(fs, root, entry, Path(name))
                target.parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / entry.path).replace(target)
    known = {folder / entry.path for entry in index}
    for path in folder.rglob("*"):
        if path.is_file() and path not in known:
            path.unlink()
    sync_tree(folder)


def _entry(folder: Path, name: str) -> _Entry:
    path = folder / name
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or name == INDEX:
        raise ArtifactError(f"{name!r} cannot be stored: name files by their path within the folder")
    if path.is_symlink() or not path.is_file():
        raise ArtifactError(f"{path} is not a regular file: replace links by what they point to")
    return _Entry(name, _sha256(path), path.stat().st_size)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_stored(fs: fsspec.AbstractFileSystem, path: str, entry: _Entry) -> bool:
    """Whether the store has this file. Read where that is cheap: other stores have whole files or none."""
    try:
        if fs.info(path)["size"] != entry.size:
            return False
    except FileNotFoundError:
        return False
    return not isinstance(fs, LocalFileSystem) or _sha256(Path(path)) == entry.sha256


def _is_index(fs: fsspec.AbstractFileSystem, root: str, sha256: str) -> bool:
    try:
        found: bytes = fs.cat_file(f"{root}/{INDEX}")
    except FileNotFoundError:
        return False
    return hashlib.sha256(found).hexdigest() == sha256


def _put_file(fs: fsspec.AbstractFileSystem, source: Path, target: str) -> None:
    part = f"{target}.{secrets.token_hex(4)}.part"
    fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
    try:
        fs.put_file(str(source), part)
        _name(fs, part, target)
    except BaseException:
        _discard(fs, part)
        raise


def _put_bytes(fs: fsspec.AbstractFileSystem, content: bytes, target: str) -> None:
    part = f"{target}.{secrets.token_hex(4)}.part"
    try:
        fs.pipe_file(part, content)
        _name(fs, part, target)
    except BaseException:
        _discard(fs, part)
        raise


def _name(fs: fsspec.AbstractFileSystem, part: str, target: str) -> None:
    """Only what is on disk gets its name."""
    if isinstance(fs, LocalFileSystem):
        sync_file(Path(part))
        replace(Path(part), Path(target))
    else:
        fs.mv(part, target)


def _discard(fs: fsspec.AbstractFileSystem, part: str) -> None:
    """What could not be written whole takes no room; where that fails too, the first error is the one to tell."""
    with suppress(Exception):
        fs.rm_file(part)


def _read_index(fs: fsspec.AbstractFileSystem, root: str, sha256: str) -> list[_Entry]:
    try:
        index = fs.cat_file(f"{root}/{INDEX}")
    except FileNotFoundError as missing:
        raise ArtifactError(f"artifact {sha256[:12]} is not in the store: deploy the model again") from missing
    if hashlib.sha256(index).hexdigest() != sha256:
        raise ArtifactError(f"artifact {sha256[:12]} was changed in the store: deploy the model again")
    return msgspec.json.decode(index, type=list[_Entry])


def _fetch_file(fs: fsspec.AbstractFileSystem, root: str, entry: _Entry, folder: Path) -> None:
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with fs.open(f"{root}/{entry.path}", "rb") as source, target.open("wb") as file:
        left = entry.size
        # As much as there should be: a store that has another file, however large, fills no disk.
        while left and (chunk := source.read(min(left, COPY_BYTES))):
            file.write(chunk)
            left -= len(chunk)
    if _sha256(target) != entry.sha256:
        raise ArtifactError(
            f"{entry.path} of artifact {root.rpartition('/')[2][:12]} was changed in the store: deploy the model again"
        )
