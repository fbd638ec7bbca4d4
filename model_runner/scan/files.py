"""What is a pickle in which file: plain, of joblib (compressed or not), in the zip of PyTorch; and skops' schema."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from model_runner.scan.calls import Judge
from model_runner.scan.walk import MalformedError, walk

JOBLIB, TORCH, SKOPS = frozenset({".joblib"}), frozenset({".pt", ".pth", ".pt2"}), frozenset({".skops"})
PICKLE = frozenset({".pkl", ".pickle"})
SUFFIXES = JOBLIB | TORCH | SKOPS | PICKLE
_NOT_CALLED = ("FunctionNode", "ObjectNode", "TypeNode")
"""What skops makes without a call of it."""
_LEGACY_PICKLES = 5
"""Of a PyTorch file from before 1.6: a number, a protocol, the system, the object, the keys of its storages."""


def pickles_of(folder: Path) -> list[Path]:
    """The files of a folder that are looked through."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def scan_file(path: Path, judge: Judge) -> None:
    """Look through one file.

    Raises:
        MalformedError: it cannot be read, so it cannot be loaded either.
    """
    with path.open("rb") as file:
        if path.suffix in PICKLE:
            walk(file, judge, joblib=False)
        elif path.suffix in JOBLIB:
            walk(_decompressed(file), judge, joblib=True)
        elif zipfile.is_zipfile(file):
            _scan_zip(file, judge)
        elif path.suffix in SKOPS:
            raise MalformedError("it is no zip file, as skops makes them")
        else:
            _scan_legacy_torch(file, judge)


def _lz4(file: IO[bytes]) -> IO[bytes]:
    import lz4.frame  # noqa: PLC0415

    return cast(IO[bytes], lz4.frame.LZ4FrameFile(file, mode="rb"))


def _xz(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], lzma.LZMAFile(file))


def _bz2(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], bz2.BZ2File(file))


_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file, mode="rb")),
    (b"BZ", _bz2),
    (b"\xfd7zXZ", _xz),
    (b"\x5d\x00", _xz),
    (b"\x04\x22\x4d\x18", _lz4),
    (b"\x78", lambda file: io.BufferedReader(_Zlib(file))),
)
"""First bytes, as joblib tells them apart."""


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"ZF"):
        raise MalformedError("it is compressed as joblib did before 0.10: save it again")
    for magic, opener in _OPENERS:
        if head.startswith(magic):
            return cast(IO[bytes], opener(file))
    return file


class _Zlib(io.RawIOBase):
    """Streams what is compressed by zlib without the header of gzip."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._engine = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._engine.eof:
            source = self._engine.unconsumed_tail or self._file.read(1 << 16)
            data = self._engine.decompress(source, len(buffer))
            if data or not source:
                buffer[: len(data)] = data
                return len(data)
        return 0


def _scan_zip(file: IO[bytes], judge: Judge) -> None:
    with zipfile.ZipFile(file) as archive:
        # Each entry, also of a name that is there twice.
        for entry in archive.infolist():
            suffix = Path(entry.filename).suffix
            if suffix not in SUFFIXES and Path(entry.filename).name != "schema.json":
                continue
            with archive.open(entry) as member:
                if suffix == ".json":
                    _scan_schema(member.read(), judge)
                elif suffix in TORCH | SKOPS:
                    _scan_inner_archive(member, judge)
                else:
                    walk(member, judge, joblib=suffix in JOBLIB)


def _scan_inner_archive(member: IO[bytes], judge: Judge) -> None:
    """An archive in an archive, as `.pt2` has them."""
    content = io.BytesIO(member.read())
    if zipfile.is_zipfile(content):
        _scan_zip(content, judge)
    else:
        content.seek(0)
        _scan_legacy_torch(content, judge)


def _scan_legacy_torch(file: IO[bytes], judge: Judge) -> None:
    file.seek(0)
    for _ in range(_LEGACY_PICKLES):
        walk(file, judge, joblib=False)


def _scan_schema(content: bytes, judge: Judge) -> None:
    """The globals that the JSON of skops names."""
    try:
        schema = json.loads(content)
    except ValueError as error:
        raise MalformedError(f"its schema.json is no JSON: {error}") from error
    for node in _nodes(schema):
        module, name = node.get("__module__"), node.get("__class__")
        if isinstance(module, str) and isinstance(name, str):
            judge(module, name, node.get("__loader__") not in _NOT_CALLED)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _nodes(child)
