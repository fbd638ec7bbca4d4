"""What several decoders are given."""

from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

NOW = 1_800_000_000.0
SECRET = "It's a Secret to Everybody"

SCHEMA = InputSchema(
    features=(
        Feature(name="age", kind=Kind.NUMERIC, nullable=False, holds=Holds.NUMBER),
        Feature(name="income", kind=Kind.NUMERIC),
        Feature(name="home", kind=Kind.CATEGORICAL, categories=("rent", "own")),
        Feature(name="good", kind=Kind.BOOLEAN),
    ),
    source="tidegate.toml",
)
ROW = {"age": 41, "income": 1234.5, "home": "rent", "good": True}
