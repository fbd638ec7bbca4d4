"""The version of the library that saved a model, where another one serves it: the answers may be others, or none."""

import mmap
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from model_runner.packages import package_of

MOST_NOTES = 3
_FIRST_FOR_NUMPY_2 = (1, 4, 2)
"""Of scikit-learn; older ones do not say so in their requirements, and end at their import."""
_REQUIREMENTS = "requirements.txt"
_OF_SKLEARN = re.compile(r"Trying to unpickle estimator \S+ from version (\S+) when using version (\S+?)\.(?:\s|$)")
_OF_XGBOOST = re.compile(
    rb'version\[#[iUL]\x00{0,7}\x03[iU](.)[iU](.)[iU](.)|"version":\[(\d+),(\d+),(\d+)\]', re.DOTALL
)
"""In UBJSON, and in JSON. It has no other field of this name."""


@contextmanager
def heard(path: Path) -> Iterator[list[str]]:
    """While a model file is loaded. What is to be said of the versions is in the list afterwards."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        # Each of them, also where Python would show only the first of a kind.
        warnings.simplefilter("always")
        yield notes
    found = dict.fromkeys(_of_xgboost(path))
    for each in caught:
        said = _OF_SKLEARN.search(str(each.message))
        if said is None and not (found and "older version of XGBoost" in str(each.message)):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif said is not None and said[1] != said[2]:
            found[_note(path.parent, "scikit-learn", "scikit-learn", said[1], said[2])] = None
    notes += list(found)[:MOST_NOTES]


def _of_xgboost(path: Path) -> list[str]:
    """What the file says of it; nothing of compressed ones."""
    if "xgboost" not in sys.modules or not path.is_file() or not path.stat().st_size:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        numbers = {_numbers(found) for found in _OF_XGBOOST.finditer(content)}
    here = _installed("xgboost-cpu") or _installed("xgboost")
    if here is None:
        return []
    others = sorted(each for each in numbers if ".".join(map(str, each)) != here)
    # Before 2.1 there was no xgboost-cpu.
    return [
        _note(path.parent, "XGBoost", package_of("xgboost") if each >= (2, 1) else "xgboost", _text(each), here)
        for each in others
    ]


def _numbers(found: re.Match[bytes]) -> tuple[int, ...]:
    text = found.groups()[3:]
    return tuple(map(int, text)) if text[0] is not None else tuple(part[0] for part in found.groups()[:3])


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _note(folder: Path, library: str, package: str, saved: str, here: str) -> str:
    said = f"saved by {library} {saved}, served by {here}"
    if not saved[:1].isdigit():
        return f"{said}: save it again with a newer one"
    where = _REQUIREMENTS if not (folder / _REQUIREMENTS).is_file() else f"{_REQUIREMENTS}, in place of any"
    beside = " and numpy<2" if package == "scikit-learn" and _release(saved) < _FIRST_FOR_NUMPY_2 else ""
    return f"{said}, which may answer otherwise: write {package}=={saved}{beside} into {where}"


def _release(saved: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", saved)[:3]))
