"""What a path that is none was meant to be: where requests for a model go, or the nearest of the other paths. Pure."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from gateway.routing.routes import RouteTable, predict_path
from model_runner.names import DEFAULT_WORKSPACE, nearest

_WORDS = {"predict", "infer", "invocations", "invoke", "predictions", "classify", "regress", "score", "generate"}
"""By which servers call what predicts."""
_NO_NAMES = _WORDS | {"v1", "v2", "api", "models", "workspaces", "previews", "versions", "projects", "endpoints"}
_PARTS = re.compile(r"[/:]+")
_LONGEST = 300
_SHOWN = 3


def hint(path: str, table: RouteTable, others: Iterable[str] = ()) -> str:
    """A sentence for the answer 404.

    Args:
        path: as it was asked for.
        table: the models that there are.
        others: all other paths; a part in braces stands for any name.
    """
    parts = [part for part in _PARTS.split(path[:_LONGEST]) if part]
    lowered = [part.lower() for part in parts]
    meant = _model(lowered, table)
    if meant is not None:
        return f"Did you mean POST {predict_path(*meant)}?"
    if lowered and (_WORDS.isdisjoint(lowered)):
        near = get_close_matches("/" + "/".join(lowered), list(others), n=1, cutoff=0.65)
        if near:
            return f"Did you mean {near[0]}?"
    return f"Predictions are at POST {_examples(table)}"


def _model(parts: Sequence[str], table: RouteTable) -> tuple[str, str] | None:
    """The workspace and the model whose name stands in the path, or nearly; the only one where a path just predicts."""
    named = [part for part in parts if part not in _NO_NAMES]
    exact = [key for key in table.by_model if key[1] in named]
    if exact:
        return next((key for key in exact if key[0] in named), exact[0])
    if _WORDS.isdisjoint(parts) and "models" not in parts:
        return None
    for part in named:
        near = nearest(part, [model for _, model in table.by_model], most=1)
        if near:
            return next(key for key in table.by_model if key[1] == near[0])
    only = list(table.by_model)
    return only[0] if len(only) == 1 and not _WORDS.isdisjoint(parts) else None


def _examples(table: RouteTable) -> str:
    paths = [predict_path(*key) for key in table.by_model]
    if not paths:
        return predict_path(DEFAULT_WORKSPACE, "{model}")
    more = "; GET /v1/models lists all" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{more}"
