"""Model files in any store that fsspec speaks to: kept by the hash of their content, fetched once to a local folder."""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec  # type: ignore[import-untyped]
import msgspec
from fsspec.core import url_to_fs  # type: ignore[import-untyped]

INDEX = "artifact.json"
"""Written last, so that an artifact without it is an unfinished one."""


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
    if not fs.exists(f"{root}/{INDEX}"):
        for entry in entries:
            _put_file(fs, folder / entry.path, f"{root}/{entry.path}")
        # The index is what makes it an artifact; writers of the same content write the same bytes.
        _put_bytes(fs, index, f"{root}/{INDEX}")
    return Artifact(url, digest)


def fetch(url: str, sha256: str, cache: Path) -> Path:
    """The local folder of an artifact, read-only by convention. What is already there is not fetched again.

    Raises:
        ArtifactError: the store has no such artifact, or other bytes than its hash says.
    """
    folder = cache / sha256
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    fs, root = url_to_fs(url)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as name:
        fresh = Path(name) / "artifact"
        fresh.mkdir()
        for entry in _read_index(fs, root, sha256):
            _fetch_file(fs, root, entry, fresh)
        try:
            fresh.rename(folder)
        except OSError:
            # Another process fetched it meanwhile: the content is the same.
            if not folder.is_dir():
                raise
    return folder


def _entry(folder: Path, name: str) -> _Entry:
    path = folder / name
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or name == INDEX:
        raise ArtifactError(f"{name!r} cannot be stored: name files by their path within the folder")
    if path.is_symlink() or not path.is_file():
        raise ArtifactError(f"{path} is not a regular file: replace links by what they point to")
    with path.open("rb") as file:
        return _Entry(name, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _put_file(fs: fsspec.AbstractFileSystem, source: Path, target: str) -> None:
    part = f"{target}.{secrets.token_hex(4)}.part"
    fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
    fs.put_file(str(source), part)
    fs.mv(part, target)


def _put_bytes(fs: fsspec.AbstractFileSystem, content: bytes, target: str) -> None:
    part = f"{target}.{secrets.token_hex(4)}.part"
    fs.pipe_file(part, content)
    fs.mv(part, target)


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
        shutil.copyfileobj(source, file)
    with target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
            raise ArtifactError(
                f"{entry.path} of artifact {folder.name} was changed in the store: deploy the model again"
            )
