"""scikit-learn estimators and pipelines, and anything else with `predict`."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from model_runner.formats.columns import categorical_feature, column_order, numeric_feature
from model_runner.formats.inner import known_categories
from model_runner.formats.sklearn_answers import Answer, classifier, has_scores, plain
from model_runner.formats.sklearn_inputs import input_builder, own_form, shown, ways
from model_runner.formats.sklearn_likeliest import is_likeliest
from model_runner.formats.sklearn_memory import classes_of, remembered
from model_runner.formats.sklearn_parts import library, own_count, own_names, reads_texts
from model_runner.model import Predict, Row
from model_runner.schema.fitted import Fitted
from model_runner.schema.manner import FED_WORDS, Fed, Manner
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

TEXT = "text"
"""What the input of a model is called that reads texts, where nobody has named it."""


class SklearnModel:
    """An estimator in memory."""

    def __init__(self, estimator: Any) -> None:
        self.native = estimator

    @property
    def description(self) -> str:
        return f"{_versioned(self.native)}{type(self.native).__name__}"

    @property
    def task(self) -> str:
        if _is("is_classifier", self.native):
            return "classification"
        return "regression" if _is("is_regressor", self.native) else "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        names = getattr(self.native, "feature_names_in_", None)
        if names is None:
            count = getattr(self.native, "n_features_in_", None)
            if count is None and reads_texts(self.native):
                return (Feature(name=TEXT, kind=Kind.CATEGORICAL, holds=Holds.STRING, nullable=False),)
            # scikit-learn's own names for columns that never had any.
            names = None if count is None else [f"x{i}" for i in range(count)]
        return None if names is None else self._features([str(name) for name in names])

    def _features(self, names: Sequence[str]) -> tuple[Feature, ...]:
        known = known_categories(self.native)
        return tuple(
            categorical_feature(name, known[name]) if name in known else numeric_feature(name) for name in names
        )

    def fitted(self) -> Fitted:
        """The names or the number of the columns, what encoders met in them, and the classes."""
        names, count = own_names(self.native), own_count(self.native)
        known = names if names is not None else [f"x{number}" for number in range(count or 0)]
        columns = remembered(self.native, known)
        return Fitted(None if names is None else tuple(names), count, columns, classes_of(self.native))

    def bind(self, schema: InputSchema | None) -> Predict:
        return self.bind_as(schema, Manner())

    def bind_as(self, schema: InputSchema | None, manner: Manner) -> Predict:
        """The same, in the manner that was settled."""
        build = input_builder(self.native, schema, manner.fed or ways(self.native, schema)[0])
        answer = self._answer(manner)
        return lambda rows: answer(build(rows))

    def settle(self, schema: InputSchema | None, rows: Sequence[Row]) -> Manner:
        """How it is to be asked: the first way of giving rows in which it answers every one of them.

        Raises:
            ValueError: as `bind`, or none does; each is named with what the model said.
        """
        said: list[str] = []
        first: Exception | None = None
        for fed in ways(self.native, schema):
            try:
                self._try(schema, fed, rows)
            except Exception as error:
                said.append(f"{FED_WORDS[fed]}: {type(error).__name__}: {error}")
                first = first or error
            else:
                return self._manner(schema, fed, rows)
        if len(said) == 1 and first is not None:
            raise first
        raise ValueError(f"it cannot be given rows in any way. {'; '.join(said)}") from first

    def own_answers(self, frame: Any, schema: InputSchema | None, manner: Manner) -> list[Any]:
        """What the estimator itself answers, without any shortcut, to the DataFrame or to what was settled of it."""
        names = column_order(own_names(self.native), own_count(self.native), schema) if schema else list(frame.columns)
        own = own_names(self.native)
        fed = manner.fed or Fed.FRAME
        if own is not None:
            frame, names = frame[names].set_axis(own, axis=1), own
            fed = Fed.CATEGORIES if fed is Fed.CATEGORIES else Fed.FRAME
        x = own_form(self.native, frame[names], fed)
        return self._answer(Manner(scored=manner.scored))(x)

    def given(self, rows: Sequence[Row], schema: InputSchema | None, manner: Manner) -> Any:
        """What `bind_as` makes of the rows, as a DataFrame."""
        fed = manner.fed or ways(self.native, schema)[0]
        names = column_order(own_names(self.native), own_count(self.native), schema) if schema else list(rows[0])
        return shown(input_builder(self.native, schema, fed)(rows), names).set_axis(names, axis=1)

    def _answer(self, manner: Manner) -> Answer:
        if self.task == "classification":
            return classifier(self.native, manner)
        return lambda x: plain(self.native.predict(x))

    def _try(self, schema: InputSchema | None, fed: Fed, rows: Sequence[Row]) -> None:
        predict = self.bind_as(schema, Manner(fed=fed, scored=False))
        width = len(rows[0])
        # Who takes columns for rows gives as many answers as there are columns.
        for count in [number for number in (1, 2, 3) if number != width]:
            some = [rows[index % len(rows)] for index in range(count)]
            found = len(predict(some))
            if found != count:
                raise ValueError(f"{found} predictions for {count} rows")

    def _manner(self, schema: InputSchema | None, fed: Fed, rows: Sequence[Row]) -> Manner:
        x = input_builder(self.native, schema, fed)(list(rows))
        return Manner(fed=fed, scored=has_scores(self.native, x), likeliest=is_likeliest(self.native))


def _versioned(estimator: Any) -> str:
    name = library(estimator)
    version = getattr(sys.modules.get(name), "__version__", None)
    if version is None:
        return ""
    return f"{'scikit-learn' if name == 'sklearn' else name} {version} "


def _is(test: str, estimator: Any) -> bool:
    """One of scikit-learn's tests; what was loaded without importing scikit-learn is nothing of its kind."""
    tests = sys.modules.get("sklearn.base")
    if tests is None:
        return False
    asked: Callable[[Any], bool] = getattr(tests, test)
    try:
        return bool(asked(estimator))
    except (AttributeError, TypeError):  # not scikit-learn's own: no tags to ask
        return False
