"""Which folders a Python interpreter needs to run: its own, those of its virtual environment, and this package's."""

from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
"""Folder of the package `model_runner`."""


_PARTS = ("bin", "lib", "lib32", "lib64", "libexec", "share", "ssl", "pyvenv.cfg")
"""Of a prefix: what else lies there need not belong to Python, for example where a project is its own environment."""


def python_folders(python: Path) -> tuple[Path, ...]:
    """What must be readable for `python`, which may be a link of a virtual environment, under both names of each."""
    found = [PACKAGE]
    for path in _needed(python.absolute()):
        found += [path, path.resolve()]
    return tuple(dict.fromkeys(found))


def _needed(python: Path) -> Iterator[Path]:
    """`bin/python` lies in its prefix; links lead to others, and so does the `home` of a virtual environment."""
    seen: set[Path] = set()
    while python not in seen:
        seen.add(python)
        prefix = python.parent.parent
        yield from _of_prefix(prefix)
        home = _home(prefix / "pyvenv.cfg")
        if home is not None:
            yield from _of_prefix(home.parent)
        if python.is_symlink():
            python = python.parent / python.readlink()


def _of_prefix(prefix: Path) -> Iterator[Path]:
    """Its parts; of a folder that only holds links to Python (`~/.local`), and of the system's, these alone."""
    is_whole = (prefix / "pyvenv.cfg").is_file() or any(prefix.glob("lib*/python3*/os.py"))
    if is_whole and prefix not in (Path("/usr"), Path("/")):
        yield from (prefix / name for name in _PARTS if (prefix / name).exists())
    else:
        yield from (path for path in sorted((prefix / "bin").glob("python3*")) if path.exists())


def _home(configuration: Path) -> Path | None:
    if not configuration.is_file():
        return None
    for line in configuration.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return Path(value.strip())
    return None
