"""Libraries that a model will need, imported before it may be touched: names of our own, never what a file says."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import all_suffixes

from model_runner.folder.manifest import Manifest
from model_runner.folder.own_imports import LIBRARIES

LEAST_BYTES = 1_000_000_000
"""Of memory: where a library might not fit the error is to come when the model loads, with the model's name."""
_BY_SUFFIX = {
    ".joblib": ("joblib", "sklearn.pipeline"),
    ".pkl": ("sklearn.pipeline",),
    ".skops": ("skops.io", "sklearn.pipeline"),
    ".ubj": ("xgboost",),
    ".json": ("xgboost",),
    ".txt": ("lightgbm",),
    ".lgb": ("lightgbm",),
    ".onnx": ("onnxruntime",),
    ".pt": ("torch",),
    ".pt2": ("torch",),
}
_FRAMES = "pandas"
COMMON = (
    "joblib",
    "sklearn.pipeline",
    "sklearn.ensemble",
    _FRAMES,
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "model_runner.folder.reference_table",
    "model_runner.formats.pickled",
    "model_runner.formats.sklearn",
)
"""For a process that is nobody's yet: what most models need, and the reading of their references."""
_KNOWN = {*COMMON, *LIBRARIES, *(name for names in _BY_SUFFIX.values() for name in names)}


def libraries(manifest: Manifest) -> tuple[str, ...]:
    """Modules to import, the first that is needed first.

    None where the folder has modules of its own: they come first when a model loads, and may have a library's name.
    """
    if has_modules([path.name for path in manifest.folder.rglob("*")]) or manifest.limits.memory_bytes < LEAST_BYTES:
        return ()
    is_compared = manifest.reference_file is not None or manifest.test_file is not None
    return (*_BY_SUFFIX.get(manifest.model_file.suffix, ()), *((_FRAMES,) if is_compared else ()))


def has_modules(files: Iterable[str]) -> bool:
    """Whether Python could import one of these files, in place of a library perhaps."""
    return any(name.endswith(tuple(all_suffixes())) for name in files)


def import_each(names: Iterable[str]) -> Iterator[None]:
    """One when the next is asked for. What is not known is passed over; what cannot be imported the model will miss."""
    for name in names:
        if name in _KNOWN:
            with suppress(Exception):
                import_module(name)
        yield


@contextmanager
def looked_for() -> Iterator[set[str]]:
    """The top-level names of modules that are looked for in the block, found or not.

    A library may go without one, and would have had it from a folder that has it.
    """
    finder = _Listening()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.names
    finally:
        sys.meta_path.remove(finder)


class _Listening(MetaPathFinder):
    """Finds nothing, and so is asked first about everything."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> None:  # noqa: ARG002
        self.names.add(fullname.partition(".")[0])
