"""The profile of a version from the reference that came with it."""

from typing import Any

from model_runner.schema import Kind as SchemaKind
from model_runner.validation import Report
from stream.profile import Kind, Profile
from stream.profiles.build import build_profile, prediction_columns


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
