"""What the Python files beside a model define: whoever pushed the model pushed them too. They are parsed, never run."""

import ast
from functools import cache
from pathlib import Path


def defines(folder: Path, module: str, name: str) -> bool:
    """Whether a file of the folder defines this class or function at its top.

    What it only imports does not count: by that a pickle could reach anything.
    """
    return name in _defined_in(folder.joinpath(*module.split(".")))


@cache
def _defined_in(stem: Path) -> frozenset[str]:
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                return frozenset()
            kinds = (ast.ClassDef, ast.FunctionDef)
            return frozenset(node.name for node in tree.body if isinstance(node, kinds))
    return frozenset()
