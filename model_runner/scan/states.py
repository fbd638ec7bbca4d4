"""States that a library runs as code when it puts them into an object."""

import ast
from typing import Any

from model_runner.scan.calls import HostileError
from model_runner.scan.stand_ins import StandIn

_DISTRIBUTIONS = "scipy.stats"
_TEMPLATE = "_parse_arg_template"
"""SciPy's distributions keep the source of three functions in this attribute, and `__setstate__` executes it."""
_FUNCTIONS = frozenset({"_parse_args", "_parse_args_rvs", "_parse_args_stats"})


def check_state(target: Any, state: Any) -> None:
    """Raises HostileError: it is source that SciPy has not written."""
    if not isinstance(target, StandIn) or not _is_distribution(target):
        return
    if type(state) is tuple and len(state) == 2 and type(state[0]) is dict and state[1] is None:
        state = state[0]
    if type(state) is not dict or not all(type(key) is str for key in state):
        raise HostileError(f"gives {target.full_name} a state that SciPy does not write")
    if _TEMPLATE in state and not is_template(state[_TEMPLATE]):
        raise HostileError(f"gives {target.full_name} source to execute that SciPy has not written")


def _is_distribution(target: StandIn) -> bool:
    return target.module == _DISTRIBUTIONS or target.module.startswith(f"{_DISTRIBUTIONS}.")


def is_template(text: Any) -> bool:
    """Whether it is what SciPy writes: three functions that return their arguments."""
    if type(text) is not str:
        return False
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return {each.name for each in body if isinstance(each, ast.FunctionDef)} == _FUNCTIONS and all(map(_is_plain, body))


_ALLOWED = (ast.arguments, ast.arg, ast.Return, ast.Tuple, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.UnaryOp)
_SIGNS = (ast.USub, ast.UAdd)


def _is_plain(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or node.returns is not None:
        return False
    return all(_is_harmless(each) for each in ast.walk(node) if each is not node)


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "self._argcheck_rvs"
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) == "self._argcheck_rvs"
    return isinstance(node, (*_ALLOWED, *_SIGNS))
