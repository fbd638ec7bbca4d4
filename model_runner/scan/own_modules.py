"""What the Python files beside a model define: whoever pushed the model pushed them too. They are parsed, never run."""

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


def defines(folder: Path, module: str, name: str) -> bool:
    """Whether a file of the folder defines this class or function at its top."""
    return name in _top_of(folder.joinpath(*module.split("."))).defined


def imported(folder: Path, module: str, name: str) -> tuple[str, str] | None:
    """What a file of the folder imports by this name, as (module, name); None where it does not.

    It is no more the model's own than if the pickle named it there: by imports one could reach anything.
    """
    return _top_of(folder.joinpath(*module.split("."))).imported.get(name)


@dataclass(frozen=True)
class _Top:
    defined: frozenset[str] = frozenset()
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)


@cache
def _top_of(stem: Path) -> _Top:
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            try:
                body = ast.parse(path.read_bytes()).body
            except (SyntaxError, ValueError):
                return _Top()
            return _Top(
                frozenset(node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)),
                {
                    alias.asname or alias.name: (node.module, alias.name)
                    for node in body
                    if isinstance(node, ast.ImportFrom) and node.module and not node.level
                    for alias in node.names
                },
            )
    return _Top()
