"""What the runner process itself imports, added to what a model asks for."""

from collections.abc import Mapping, Sequence

from packaging.utils import canonicalize_name

from model_runner.environment.requirements import Line, refuse

PINNED = ("msgspec",)
"""Packages of which the runner takes the version that Tidegate has: both ends of its socket speak through them."""
ANY_VERSION = ("numpy",)
"""Packages that the formats import, in whatever version the model wants."""


def with_needs(lines: Sequence[Line], installed: Mapping[str, str]) -> list[str]:
    """The model's requirements and the runner's, as text, one requirement each.

    Args:
        lines: those of the model.
        installed: the versions that Tidegate itself runs with, by canonical name.

    Raises:
        ModelError: the model asks for a version that the runner cannot use.
    """
    for line in lines:
        _refuse_conflict(line, installed)
    pins = [f"{name}=={installed[name]}" for name in PINNED]
    return [*(str(line.requirement) for line in lines), *pins, *ANY_VERSION]


def _refuse_conflict(line: Line, installed: Mapping[str, str]) -> None:
    requirement = line.requirement
    name = canonicalize_name(requirement.name)
    if name not in PINNED or requirement.specifier.contains(installed[name], prereleases=True):
        return
    needed = f"{name}=={installed[name]}"
    problem = f"{requirement} conflicts with {needed}, which the runner of the model needs"
    raise refuse(line.number, problem, f"Remove the line, or write {needed}")
