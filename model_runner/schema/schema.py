"""The input schema of one model version: its features in order, and the JSON in which the registry keeps it."""

from enum import StrEnum
from typing import Any

import msgspec

SCHEMA_VERSION = 1


class Kind(StrEnum):
    """How a feature is read, validated and counted."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    """A moment as ISO 8601 text; counted by its text."""


class Null(StrEnum):
    """What stands for a missing value in a column that could hold several of them."""

    NAN = "nan"
    NONE = "none"
    NA = "na"
    """`pandas.NA`."""


class Holds(StrEnum):
    """Which JSON values a categorical feature's categories are."""

    ANY = "any"
    STRING = "string"
    NUMBER = "number"


class Feature(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input of a model."""

    name: str
    kind: Kind
    nullable: bool = True
    """Whether null is accepted: a missing value is normal data."""
    required: bool = True
    """Whether the key must be there, if only with null."""
    holds: Holds = Holds.ANY
    categories: tuple[str | int | float | bool, ...] | None = None
    """Known values, for documentation and profiles. Others are accepted: an unseen category is drift, not an error."""
    dtype: str = ""
    """Of its column in the training data, as pandas spells it (`int64`, `category`, `datetime64[ns, UTC]`): so it
    reaches the model. Empty where nobody knows: then numbers are float64 and text is what pandas makes of text."""
    ordered: bool = False
    """Whether the categories of a column of type `category` have an order, which is theirs here."""
    null: Null | None = None
    """What the model was fitted on for a missing value; None: what pandas reads an empty cell as."""


class LeftOut(msgspec.Struct, frozen=True):
    """A column of the reference, or a field of the test rows, that is no input of the model."""

    name: str
    reason: str


class InputSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What one instance looks like."""

    features: tuple[Feature, ...]
    source: str
    """What it was read from: `tidegate.toml`, `reference.csv`, `test_data.json` or `model`."""
    v: int = SCHEMA_VERSION
    left_out: tuple[LeftOut, ...] = ()
    """What stood beside the features, and is neither asked for nor watched."""
    positional: bool = False
    """Whether the model itself takes the features in this order: then a list of values says which is which."""

    @property
    def order(self) -> tuple[str, ...] | None:
        """The names in the order of the model's own columns; None where nobody knows it."""
        return self.names if self.positional else None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)


def encode(schema: InputSchema) -> str:
    """The schema as JSON text."""
    return msgspec.json.encode(schema).decode()


def decode(text: str | bytes) -> InputSchema:
    """Raises msgspec.DecodeError or msgspec.ValidationError where the text is no schema."""
    return msgspec.json.decode(text, type=InputSchema)


def json_schema(schema: InputSchema) -> dict[str, Any]:
    """JSON Schema (2020-12) of one instance, for OpenAPI."""
    return {
        "type": "object",
        "properties": {feature.name: _property(feature) for feature in schema.features},
        "required": [feature.name for feature in schema.features if feature.required],
        "additionalProperties": False,
    }


def _property(feature: Feature) -> dict[str, Any]:
    types = json_types(feature)
    described: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if feature.kind is Kind.DATETIME:
        described["format"] = "date-time"
    if feature.categories is not None:
        described["description"] = "Known categories: " + ", ".join(map(str, feature.categories[:20]))
    return described


def json_types(feature: Feature) -> list[str]:
    """JSON's names of the types that the feature accepts."""
    if feature.kind is Kind.NUMERIC or (feature.kind is Kind.CATEGORICAL and feature.holds is Holds.NUMBER):
        types = ["number"]
    elif feature.kind is Kind.BOOLEAN:
        types = ["boolean"]
    elif feature.kind is Kind.DATETIME or feature.holds is Holds.STRING:
        types = ["string"]
    else:
        types = ["string", "number", "boolean"]
    return [*types, "null"] if feature.nullable else types
