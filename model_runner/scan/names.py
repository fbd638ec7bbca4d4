"""What a pickle of a model may name, and what never. Pure."""

import sys
from collections.abc import Collection, Iterable
from enum import StrEnum

from model_runner.scan import held, lists

_CYTHON = "__pyx_unpickle_"
"""What Cython calls the functions that make objects of its classes again."""
_STATE_SPACE = "statsmodels.tsa.statespace"
"""Where classes are compiled for four types of numbers: `dKalmanFilter`, `zKalmanFilter`."""


class Verdict(StrEnum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    """Nobody says that it is harmless; the owner of the model may."""
    DANGEROUS = "dangerous"
    """No model needs it, and what it does is what attacks do."""


def judge(module: str, name: str, allowed: Collection[str] = (), *, called: bool = False) -> Verdict:
    """Of one global.

    Args:
        allowed: `module.name`, or `module.*` for all of a module and those below it.
        called: whether the pickle calls it, with whatever it says; otherwise it makes an object of a class without its
            constructor, or keeps it.
    """
    if _is_dangerous(module, name):
        return Verdict.DANGEROUS
    if _is_known(module, name, called=called) or _is_allowed(module, name, allowed):
        return Verdict.KNOWN
    return Verdict.UNKNOWN


def _is_dangerous(module: str, name: str) -> bool:
    if module.split(".", 1)[0] in lists.DANGEROUS_PACKAGES or f"{module}.{name}" in lists.DANGEROUS:
        return True
    # A dotted name walks through attributes, from a harmless module to any other.
    parts = name.split(".")
    if any(part in lists.DANGEROUS_PACKAGES or part.startswith("__") for part in parts[1:]):
        return True
    return module in lists.LANGUAGE and parts[-1] in lists.DANGEROUS_NAMES


def _is_known(module: str, name: str, *, called: bool) -> bool:
    if name in lists.EXACT.get(module, ()):
        return True
    if "." in name or name in lists.DANGEROUS_NAMES:
        return False
    if not called and name in held.HELD.get(module, ()):
        return True
    if name in lists.BORROWED or name in lists.READERS or (name.startswith("__") and not name.startswith(_CYTHON)):
        return False
    if not _within_any(module, lists.LIBRARIES) or _within_any(module, lists.NOT_OF_LIBRARIES) or ".tests" in module:
        return False
    return _is_known_class(module, name, called=called) or (not called and _is_known_function(module, name))


def _is_known_class(module: str, name: str, *, called: bool) -> bool:
    if name.startswith(_CYTHON):
        return True
    bare = name.lstrip("_")
    if _within(module, _STATE_SPACE):
        bare = bare.lstrip("cdsz")
    looks_like_one = bare[:1].isupper() or name in lists.LOWER_CASE
    return looks_like_one and (not called or _within_any(module, lists.CALLED))


def _is_known_function(module: str, name: str) -> bool:
    if name in held.UFUNCS:
        return True
    if name.lstrip("_").startswith(held.NOT_HELD_BEGINNINGS) or name in held.NOT_HELD:
        return False
    return name not in sys.stdlib_module_names and _within_any(module, held.PACKAGES)


def _is_allowed(module: str, name: str, allowed: Collection[str]) -> bool:
    if f"{module}.{name}" in allowed:
        return True
    return any(each.endswith(".*") and _within(module, each.removesuffix(".*")) for each in allowed)


def _within_any(module: str, packages: Iterable[str]) -> bool:
    return any(_within(module, package) for package in packages)


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
