"""What a pickle of a model may name, and what never. Pure."""

from collections.abc import Collection
from enum import StrEnum

from model_runner.scan import lists


class Verdict(StrEnum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    """Nobody says that it is harmless; the owner of the model may."""
    DANGEROUS = "dangerous"
    """No model needs it, and what it does is what attacks do."""


def judge(module: str, name: str, allowed: Collection[str] = ()) -> Verdict:
    """Of one global.

    Args:
        allowed: `module.name`, or `module.*` for all of a module and those below it.
    """
    if _is_dangerous(module, name):
        return Verdict.DANGEROUS
    if _is_known(module, name) or _is_allowed(module, name, allowed):
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


def _is_known(module: str, name: str) -> bool:
    if name in lists.EXACT.get(module, ()):
        return True
    if "." in name or name in lists.DANGEROUS_NAMES:
        return False
    if not any(_within(module, package) for package in lists.LIBRARIES):
        return False
    if any(_within(module, package) for package in lists.NOT_OF_LIBRARIES) or ".tests" in module:
        return False
    if name.lstrip("_")[:1].isupper() or name.startswith("__pyx_unpickle_"):
        return True
    return any(_within(module, package) for package in lists.FUNCTIONS)


def _is_allowed(module: str, name: str, allowed: Collection[str]) -> bool:
    if f"{module}.{name}" in allowed:
        return True
    return any(each.endswith(".*") and _within(module, each.removesuffix(".*")) for each in allowed)


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
