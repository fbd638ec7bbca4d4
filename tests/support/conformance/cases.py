"""All cases of a library: each estimator, in each wrapping, with each kind of labels, with names and without."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.base import is_classifier

from tests.support.conformance import data
from tests.support.conformance.estimators import Estimator, estimators
from tests.support.conformance.wrappings import WRAPPINGS, is_one_of

SAVED = ("pkl", "joblib", "skops")
OWN_FORMATS = {"scikit-learn": ("onnx",), "XGBoost": ("ubj", "json"), "LightGBM": ("txt",), "CatBoost": ("cbm",)}
"""In which a library saves an estimator alone, or is converted: without the labels, so those are 0, 1 and 2."""
ONLY_SO = {
    "statsmodels": ("results",),
    "Prophet": ("prophet",),
    "sktime": ("forecaster", "zip"),
    "PyTorch": ("pt2", "script", "module", "weights"),
}
"""How a library's models are saved that are no estimators of scikit-learn's kind."""


@dataclass(frozen=True)
class Case:
    """One model to be fitted, saved and served."""

    library: str
    estimator: Estimator
    wrapping: str
    labels: str
    """`text`, `integer`, `bool` or `codes`; `numbers` of what learns none."""
    named: bool
    saved: str
    """Suffix of the file."""

    def __str__(self) -> str:
        names = "a DataFrame" if self.named else "an array"
        return f"{self.estimator.name}, {self.wrapping}, {self.labels} from {names}, model.{self.saved}"


def cases(library: str) -> Iterator[Case]:
    """In a fixed order. The way of saving goes round, so that all are met in every kind."""
    number = 0
    for estimator in estimators(library):
        if library in ONLY_SO:
            yield from (Case(library, estimator, "alone", "numbers", True, saved) for saved in ONLY_SO[library])
            continue
        for wrapping, wrap in WRAPPINGS.items():
            made = _made(estimator, wrap)
            if made is None:
                continue
            for labels in _labels_for(made):
                for named in (True, False) if wrapping == "alone" else (True,):
                    yield Case(library, estimator, wrapping, labels, named, SAVED[number % len(SAVED)])
                    number += 1
        yield from _in_own_formats(library, estimator)


def _in_own_formats(library: str, estimator: Estimator) -> Iterator[Case]:
    made = _made(estimator, WRAPPINGS["alone"])
    labels = "codes" if is_one_of(is_classifier, made) else "numbers"
    for suffix in OWN_FORMATS.get(library, ()):
        for named in (True, False):
            # Converted, a model takes single precision by position.
            if suffix != "onnx" or not named:
                yield Case(library, estimator, "alone", labels, named, suffix)


def fitted(case: Case) -> tuple[Any, data.Data] | None:
    """The model, and what it was fitted on; None where the library itself does not fit it on any of our data."""
    for each in _data_for(case):
        model = _made(case.estimator, WRAPPINGS[case.wrapping])
        if _takes(model, each):
            return model, each
    return None


def _takes(model: Any, given: data.Data) -> bool:
    """Fit it, where it can be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(given.x, given.y)
            if hasattr(model, "predict"):
                model.predict(given.asked)
    except Exception:  # wants other data
        return False
    return True


def _made(estimator: Estimator, wrap: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wrap(_seeded(estimator.make()))


def _seeded(made: Any) -> Any:
    """Some answer at random; the same answers to the same rows, with a seed."""
    if hasattr(made, "get_params") and made.get_params().get("random_state", 0) is None:
        made.set_params(random_state=0)
    return made


def _labels_for(model: Any) -> tuple[str, ...]:
    return ("text", "integer", "bool") if is_one_of(is_classifier, model) else ("numbers",)


def _data_for(case: Case) -> Iterator[data.Data]:
    if case.labels == "numbers":
        y = data.numbers_to_learn()
        kinds = [y, data.numbers_to_learn(outputs=2)]
    else:
        y = data.labels(case.labels)
        kinds = [y, data.labels("codes")] if case.labels == "integer" else [y]
    if case.library in ONLY_SO:
        yield _made(case.estimator, WRAPPINGS["alone"]).data(kinds[0])
        return
    has_city = case.wrapping == "columns" or case.library == "category_encoders"
    for each in kinds:
        yield data.table(each, named=case.named, city=has_city)
    if case.wrapping == "alone":
        yield data.table(y, named=case.named, columns=1)
        yield data.documents(y)
