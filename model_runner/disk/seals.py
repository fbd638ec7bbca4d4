"""What is known of the folders of a cache: the hash of each, and in which life of the machine it was last compared.

A folder's existence says nothing after a power loss, and neither do sizes: files come back full of zeros. So what is
cached is compared with its hash once in each life of the machine, and again when somebody doubts it. Between, its
number of bytes will do: that costs no reading.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from model_runner.decode_errors import UNREADABLE
from model_runner.disk.durable import make_folder, write_file

FOLDER = ".seals"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Seal(msgspec.Struct, frozen=True):
    sha256: str
    bytes: int
    life: str
    """Of the machine, when the hash was last compared."""


class Seals:
    """The seals of one cache, in a folder of it. Several processes may share it."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / FOLDER

    def put(self, name: str, tree: Path) -> None:
        """`tree` is whole, and on disk: remember what it holds."""
        self._write(name, _Seal(tree_hash(tree), tree_bytes(tree), life()))

    def knows(self, name: str) -> bool:
        """Whether there is a seal, whatever it says."""
        return self._read(name) is not None

    def is_whole(self, name: str, tree: Path) -> bool:
        """Whether the folder holds what it did when it was sealed; False where it never was."""
        seal = self._read(name)
        if seal is None or tree_bytes(tree) != seal.bytes:
            return False
        if seal.life == life():
            return True
        if tree_hash(tree) != seal.sha256:
            return False
        # A disk that is full is no reason not to use it; it is compared again the next time.
        with suppress(OSError):
            self._write(name, msgspec.structs.replace(seal, life=life()))
        return True

    def touch(self, name: str) -> None:
        """It is used now."""
        with suppress(FileNotFoundError):
            os.utime(self._folder / name)

    def last_used(self, name: str) -> float | None:
        """Unix time in seconds; None where it has no seal."""
        with suppress(FileNotFoundError):
            return (self._folder / name).stat().st_mtime
        return None

    def forget(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Of all that were sealed."""
        return sorted(path.name for path in self._folder.glob("[!.]*")) if self._folder.is_dir() else []

    def doubt(self) -> None:
        """Have everything compared again before it is next used."""
        for name in self.names():
            seal = self._read(name)
            if seal is not None:
                self._write(name, msgspec.structs.replace(seal, life=""))

    def _read(self, name: str) -> _Seal | None:
        with suppress(OSError, *UNREADABLE):
            return msgspec.json.decode((self._folder / name).read_bytes(), type=_Seal)
        return None

    def _write(self, name: str, seal: _Seal) -> None:
        make_folder(self._folder)
        write_file(self._folder / name, msgspec.json.encode(seal))


def life() -> str:
    """Another one after each start of the machine; the same for ever where the system does not tell."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return "unknown"


def tree_hash(tree: Path) -> str:
    """SHA-256 over the paths and the content of all files below a folder, and over where its links lead."""
    found = hashlib.sha256()
    for parent, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted([*files, *(each for each in folders if os.path.islink(os.path.join(parent, each)))]):
            path = os.path.join(parent, name)
            found.update(f"{os.path.relpath(path, tree)}\0".encode(errors="surrogateescape"))
            if os.path.islink(path):
                found.update(os.fsencode(os.readlink(path)))
            else:
                with open(path, "rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def tree_bytes(tree: Path) -> int:
    """Bytes of all files below a folder; those that vanish meanwhile count as nothing."""
    total = 0
    for parent, _, files in os.walk(tree):
        for name in files:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total
