"""What an estimator is made of: the steps, the wrapped estimators, and what stands before all others."""

from collections.abc import Iterator
from typing import Any

_INNER = ("best_estimator_", "estimator_", "base_estimator_", "estimator", "base_estimator", "regressor_", "regressor")
_MOST_DEPTH = 20
_KEEPERS = {"sklearn", "imblearn", "xgboost", "lightgbm", "catboost"}
"""Libraries whose estimators note the names of a DataFrame that they were fitted on, and how many columns it had."""


def library(part: Any) -> str:
    """The package that its class is from."""
    return type(part).__module__.partition(".")[0]


def parts_of(estimator: Any) -> Iterator[Any]:
    """It, and all that are among its parameters, at any depth."""
    yield estimator
    get_params = getattr(estimator, "get_params", None)
    if callable(get_params) and not isinstance(estimator, type):
        yield from (value for value in get_params(deep=True).values() if hasattr(value, "fit"))


def own_names(estimator: Any) -> list[str] | None:
    """The columns that it was fitted on, where it noted them."""
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is None and library(estimator) == "catboost":
        # Fitted on an array it names columns by their numbers.
        given = [str(name) for name in getattr(estimator, "feature_names_", ())]
        fitted = None if all(name.isdecimal() for name in given) else given
    return None if fitted is None else [str(name) for name in fitted]


def own_count(estimator: Any) -> int | None:
    """How many columns it was fitted on, where it noted that."""
    count: Any = getattr(estimator, "n_features_in_", None)
    # CatBoost's say 0 once they were pickled, and so does what is stacked of them.
    return int(count) if count else None


def first_step(estimator: Any) -> Any:
    """The part that meets the rows first: within a search, a calibration or a pipeline that of what is within."""
    found = estimator
    for _ in range(_MOST_DEPTH):
        inner = _inner(found)
        if inner is None:
            return found
        found = inner
    return found


def _inner(part: Any) -> Any:
    steps = getattr(part, "steps", None)
    if isinstance(steps, list):
        return next((step for _, step in steps if hasattr(step, "fit")), None)
    return next((getattr(part, name) for name in _INNER if hasattr(getattr(part, name, None), "fit")), None)


def reads_texts(estimator: Any) -> bool:
    """Whether what meets the rows first takes one text a row, as scikit-learn's vectorizers do."""
    first = first_step(estimator)
    branches = getattr(first, "transformer_list", None)
    if isinstance(branches, list):  # a FeatureUnion: each of its parts meets the rows
        return any(reads_texts(branch) for _, branch in branches if hasattr(branch, "fit"))
    return callable(getattr(first, "build_analyzer", None))


def notes_columns(estimator: Any) -> bool:
    """Whether a DataFrame's names would have been noted, so that without names it was fitted on an array."""
    return library(first_step(estimator)) in _KEEPERS and own_count(estimator) is not None
