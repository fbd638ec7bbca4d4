"""What the lists let a pickle name, held against the libraries that are installed: nothing of it reads, starts or runs.

Every module of each library is gone through, and each name in it that a pickle may use is looked at: where it is
defined, and which names its own code uses.
"""

import importlib
import inspect
import pkgutil
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_runner.scan import lists
from model_runner.scan.names import Verdict, judge

_HARMFUL = """
exec eval compile __import__ import_module open load loads urlopen system popen Popen check_output spawn
read_csv read_pickle loadtxt genfromtxt fromfile memmap savetxt savez tofile to_csv to_pickle dump
remove rmtree unlink mkdir makedirs
"""
HARMFUL = frozenset(_HARMFUL.split())
SEEN = {
    "numpy.nanmax": "memmap: asks whether it is one",
    "numpy.nanmin": "memmap: asks whether it is one",
    "numpy.require": "remove: of a set",
    "numpy.rollaxis": "remove: of a list",
    "numpy.linalg.tensorsolve": "remove: of a list",
    "scipy._lib._util._rng_spawn": "spawn: generators of a generator",
    "scipy.stats._distribution_infrastructure._combine_docs": "remove: of a list",
    "sklearn.feature_extraction.text.strip_tags": "compile: a regular expression of its own",
    "sklearn.metrics._classification._check_set_wise_labels": "remove: of a set",
    "sklearn.metrics._ranking.auc": "memmap: asks whether it is one",
}
"""Looked at, and found to be harmless."""
FOREIGN = lists.DANGEROUS_PACKAGES | {"joblib"}


def _modules(library: str) -> Iterator[Any]:
    top = importlib.import_module(library)
    yield top
    for info in pkgutil.walk_packages(top.__path__, f"{library}.", onerror=lambda _: None):
        kept_out = any(f"{info.name}.".startswith(f"{each}.") for each in lists.NOT_OF_LIBRARIES)
        if kept_out or any(part in info.name for part in ("test", "__main__", "setup", "pyinstaller", "dask", "spark")):
            continue
        try:
            yield importlib.import_module(info.name)
        except ImportError:  # wants another library
            continue


def _names_of(code: types.CodeType) -> frozenset[str]:
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return frozenset(code.co_names).union(*map(_names_of, inner))


def _code(thing: Any, *, called: bool) -> Iterator[types.CodeType]:
    """What runs when it is called; of a class what runs when one is made, and its constructor where that is called."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    found = [thing]
    if isinstance(thing, type):
        found = [vars(thing).get(name) for name in ("__new__", "__setstate__", *(("__init__",) if called else ()))]
    for each in found:
        function = getattr(each, "__func__", each)
        if isinstance(function, types.FunctionType):
            yield function.__code__


def _trouble(module: Any, name: str, *, called: bool) -> str | None:
    if judge(module.__name__, name, called=called) is not Verdict.KNOWN:
        return None
    thing = getattr(module, name, None)
    if isinstance(thing, types.ModuleType):
        return f"is {thing.__name__}" if thing.__name__.partition(".")[0] in lists.DANGEROUS_PACKAGES else None
    origin = f"{getattr(thing, '__module__', None)}.{getattr(thing, '__qualname__', name)}"
    if callable(thing) and origin.partition(".")[0] in FOREIGN:
        return f"is {origin}"
    used = {used for code in _code(thing, called=called) for used in _names_of(code)} & HARMFUL
    return f"{origin} uses {', '.join(sorted(used))}" if used and origin not in SEEN else None


@pytest.mark.parametrize("library", ["sklearn", "numpy", "scipy", "xgboost", "lightgbm"])
def test_nothing_that_a_pickle_may_name_reads_files_starts_anything_or_runs_text(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # to go through xgboost imports its tests, which make a cache where they are
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {
            f"{module.__name__}.{name}{'()' if called else ''}": trouble
            for module in _modules(library)
            for name in sorted(vars(module))
            for called in (False, True)
            if (trouble := _trouble(module, name, called=called))
        }
    assert found == {}


def test_the_audit_finds_what_it_is_for() -> None:
    """Of modules that are kept out, under names that would be known in others."""
    npyio = importlib.import_module("numpy.lib._npyio_impl")
    assert "open" in next(_names_of(code) for code in _code(npyio.load, called=True))
    assert {"exec"} <= _names_of(
        next(_code(importlib.import_module("scipy._lib._bunch")._make_tuple_bunch, called=True))
    )
