"""What the boosters within an estimator know of their columns: the categories of those that were of type `category`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from model_runner.formats.sklearn_parts import library
from model_runner.schema.renamed import plain_name

_ONE = ("best_estimator_", "estimator_", "base_estimator_", "final_estimator_", "regressor_", "classifier_")
_MANY = ("estimators_", "calibrated_classifiers_", "steps")
_MOST_DEPTH = 12
_MOST_PARTS = 2000


def known_categories(estimator: Any) -> dict[str, list[Any]]:
    """Categories by column, as the model itself names the columns; empty where no part of it keeps any.

    The first part that keeps those of a column is believed: the folds of a calibration have the same.
    """
    found: dict[str, list[Any]] = {}
    for part in fitted_parts(estimator):
        for name, categories in _of_part(part).items():
            found.setdefault(name, categories)
    return found


def categories_of(estimator: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Those of these columns, as they are before any transformer renames them (`remainder__town`) or a library does."""
    known = known_categories(estimator)
    by_name = [(plain_name(inner), categories) for inner, categories in known.items()]
    found = {}
    for name in names:
        wanted = plain_name(name)
        kept = [each for inner, each in by_name if inner == wanted or inner.endswith(f"__{wanted}")]
        if kept and all(each == kept[0] for each in kept):
            found[name] = kept[0]
    return found


def with_categories(frame: Any, known: Mapping[str, Iterable[Any]]) -> Any:
    """The frame with the model's own categories in the columns that it has some for."""
    import pandas as pd  # noqa: PLC0415 - only who compares needs it

    typed = {
        name: pd.Categorical(frame[name].astype(object), categories=list(table))
        for name, table in known.items()
        if name in frame.columns
    }
    return frame.assign(**typed)


def fitted_parts(estimator: Any) -> Iterator[Any]:
    """It, and what was fitted within it: of searches, pipelines, calibrations, votes and stacks."""
    level = [estimator]
    for _ in range(_MOST_DEPTH):
        yield from level
        level = [inner for part in level for inner in _inner(part)][:_MOST_PARTS]
        if not level:
            return


def _inner(part: Any) -> Iterator[Any]:
    yield from (getattr(part, name) for name in _ONE if _is_estimator(getattr(part, name, None)))
    if type(part).__name__ == "_CalibratedClassifier":
        yield part.estimator
    for name in _MANY:
        several: Any = getattr(part, name, None)
        listed = several.ravel().tolist() if hasattr(several, "ravel") else several
        for each in listed if isinstance(listed, list | tuple) else ():
            inner = each[-1] if isinstance(each, list | tuple) and each else each
            if _is_estimator(inner) or type(inner).__name__ == "_CalibratedClassifier":
                yield inner


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "predict") or hasattr(value, "transform")


def _of_part(part: Any) -> dict[str, list[Any]]:
    package = library(part)
    try:
        if package in {"xgboost", "lightgbm"} and hasattr(part, "get_params"):
            codes = import_module(f"model_runner.formats.{package}").wrap(part).codes
            return {name: list(table) for name, table in codes.items()}
        if type(part).__name__.startswith("HistGradientBoosting") and package == "sklearn":
            return _of_hist(part)
    except Exception:  # it was not fitted, or keeps them in another way: then it knows of none
        return {}
    return {}


def _of_hist(part: Any) -> dict[str, list[Any]]:
    if part.is_categorical_ is None or not hasattr(part, "feature_names_in_"):
        return {}
    names = part.feature_names_in_[part.is_categorical_].tolist()
    kept = part._preprocessor.named_transformers_["encoder"].categories_  # it has no public name
    lists = [[each for each in categories.tolist() if each == each] for categories in kept]  # noqa: PLR0124 - no NaN
    return dict(zip(map(str, names), lists, strict=True))
