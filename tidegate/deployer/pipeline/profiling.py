"""The profile of a version from the reference that came with it."""

from collections.abc import Sequence
from typing import Any

from model_runner.checking.report import Report
from model_runner.folder.reference import MOST_VALUES
from model_runner.schema.schema import Kind as SchemaKind
from stream.profiles.build import build_profile, prediction_columns
from stream.profiles.prediction import flatten_prediction
from stream.profiles.profile import Kind, Profile

MOST_SERIES = 3000
"""Of an answer: each is watched."""


def reference_profile(report: Report, model: str, version: int) -> Profile | None:
    """None where the folder has no reference: then the first events become it.

    Raises:
        ValueError: the reference cannot be profiled.
    """
    reference = report.reference
    if reference is None:
        return None
    wanted = watched_features(report)
    columns = {name: values for name, values in reference.columns.items() if wanted is None or name in wanted}
    _refuse_many_series(report.reference_predictions)
    predictions: dict[str, Any] = prediction_columns(report.reference_predictions)
    return build_profile(
        columns,
        predictions,
        model=model,
        version=version,
        source="reference",
        kinds=_kinds(report),
        times=reference.times,
    )


def _refuse_many_series(predictions: Sequence[Any]) -> None:
    """Each name that any answer has becomes a column of all rows. Raises ValueError."""
    names: set[str] = set()
    for prediction in predictions:
        if prediction is not None:
            names.update(flatten_prediction(prediction))
        if len(names) > MOST_SERIES or len(names) * len(predictions) > MOST_VALUES:
            raise ValueError(f"the model's answers to its rows have {len(names):,} different fields or more")


def watched_features(report: Report) -> list[str] | None:
    """The features whose values leave the gateway, in their order; None when the model is served unvalidated."""
    schema = report.inputs.schema
    if schema is None:
        return None
    return [name for name in schema.names if name not in report.manifest.mask]


def _kinds(report: Report) -> dict[str, Kind]:
    schema = report.inputs.schema
    features = schema.features if schema is not None else ()
    return {f.name: "numeric" if f.kind is SchemaKind.NUMERIC else "categorical" for f in features}
