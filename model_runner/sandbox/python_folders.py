"""Which folders a Python interpreter needs to run: its own, those of its virtual environment, and this package's."""

from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
"""Folder of the package `model_runner`."""


def python_folders(python: Path) -> tuple[Path, ...]:
    """What must be readable for `python`, which may be a link of a virtual environment, under both names of each."""
    found = [PACKAGE]
    for prefix in _prefixes(python.absolute()):
        found += [prefix, prefix.resolve()]
    return tuple(dict.fromkeys(found))


def _prefixes(python: Path) -> Iterator[Path]:
    """`bin/python` lies in its prefix; links lead to others, and so does the `home` of a virtual environment."""
    seen: set[Path] = set()
    while python not in seen:
        seen.add(python)
        prefix = python.parent.parent
        yield from _with_standard_library(prefix)
        home = _home(prefix / "pyvenv.cfg")
        if home is not None:
            yield from _with_standard_library(home.parent)
        if python.is_symlink():
            python = python.parent / python.readlink()


def _with_standard_library(prefix: Path) -> Iterator[Path]:
    """The whole of it, unless it is the system's: there `lib` is enough, with the programs of Python alone."""
    if prefix in (Path("/usr"), Path("/")):
        yield from sorted((prefix / "bin").glob("python3*"))
        return
    yield prefix


def _home(configuration: Path) -> Path | None:
    if not configuration.is_file():
        return None
    for line in configuration.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return Path(value.strip())
    return None
