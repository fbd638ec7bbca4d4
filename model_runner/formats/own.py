"""Boosters asked as their libraries say: by a DataFrame with its categories, by the estimator where there is one."""

from typing import Any

from model_runner.formats.columns import Codes
from model_runner.formats.sklearn_answers import classifier, plain
from model_runner.manner import Manner


def with_categories(frame: Any, codes: Codes) -> Any:
    """The frame with the model's own categories in the columns that it has some for."""
    import pandas as pd  # noqa: PLC0415 - only who compares needs it

    typed = {
        name: pd.Categorical(frame[name].astype(object), categories=list(table))
        for name, table in codes.items()
        if name in frame.columns
    }
    return frame.assign(**typed)


def own_answers(estimator: Any, x: Any, is_classifier: bool) -> list[Any]:
    """What `predict` answers, of a classifier with its score."""
    if is_classifier:
        return classifier(estimator, Manner())(x)
    return plain(estimator.predict(x))
