"""Rows that a model can be tried with where its folder has none. Pure."""

from typing import Any

from model_runner.schema.schema import Feature, Holds, InputSchema, Kind


def made_up(schema: InputSchema) -> dict[str, Any]:
    """An instance of this schema: of each feature the plainest value."""
    return {feature.name: _plain(feature) for feature in schema.features}


def more_made_up(schema: InputSchema) -> list[dict[str, Any]]:
    """A few: a model may refuse the plainest, such as one that takes a logarithm."""
    tries: list[tuple[float, str]] = [(0, ""), (1, "a"), (0.5, "one of three words")]
    return [{feature.name: _plain(feature, *each) for feature in schema.features} for each in tries]


def is_proof(schema: InputSchema) -> bool:
    """Whether a model that can answer none of them can answer nothing: not so where it knows texts that we do not."""
    return all(feature.kind is not Kind.CATEGORICAL or bool(feature.categories) for feature in schema.features)


def _plain(feature: Feature, number: float = 0, text: str = "") -> Any:
    if feature.kind is Kind.BOOLEAN:
        return False
    if feature.kind is Kind.DATETIME:
        return "2026-01-31T10:00:00Z"
    if feature.kind is Kind.NUMERIC:
        return number
    if feature.categories:
        return feature.categories[0]
    return number if feature.holds is Holds.NUMBER else text
