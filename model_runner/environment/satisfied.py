"""Whether the packages that are installed already are what a `requirements.txt` asks for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from model_runner.environment.requirements import Line


@dataclass(frozen=True)
class Installed:
    """One installed package."""

    version: str
    requires: tuple[str, ...] = ()
    """Its own requirements, with markers that may speak of extras."""


Find = Callable[[str], Installed | None]
"""A package by its name; None where it is not installed."""


def unsatisfied(lines: Iterable[Line], find: Find) -> list[str]:
    """The requirements that the installed packages do not meet, as they are written; empty where all are met."""
    return [str(line.requirement) for line in lines if not is_met(line.requirement, find)]


def is_met(requirement: Requirement, find: Find) -> bool:
    """Whether a requirement is met here, its extras included. One whose marker does not hold here asks for nothing."""
    return _is_met(requirement, find, frozenset())


def _is_met(requirement: Requirement, find: Find, seen: frozenset[tuple[str, str]]) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    found = find(requirement.name)
    if found is None or not requirement.specifier.contains(found.version, prereleases=True):
        return False
    name = canonicalize_name(requirement.name)
    return all(
        # An extra may name its own package with another extra, and so go round in a circle.
        (name, extra) in seen or all(_is_met(each, find, seen | {(name, extra)}) for each in _of_extra(found, extra))
        for extra in requirement.extras
    )


def _of_extra(found: Installed, extra: str) -> Iterable[Requirement]:
    """What a package requires only because of this extra, without the marker that says so."""
    for requirement in map(Requirement, found.requires):
        marker = requirement.marker
        if marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            requirement.marker = None
            yield requirement
