"""The row of the request that is shown where the repository has none: it fits the schema."""

from model_runner.schema.instances import InstanceChecker
from model_runner.schema.made_up import made_up
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind


def test_a_made_up_row_is_accepted_by_the_schema_that_it_is_made_from() -> None:
    features = (
        Feature(name="price", kind=Kind.NUMERIC, nullable=False),
        Feature(name="owns", kind=Kind.BOOLEAN, nullable=False),
        Feature(
            name="region", kind=Kind.CATEGORICAL, nullable=False, holds=Holds.STRING, categories=("north", "south")
        ),
        Feature(name="city", kind=Kind.CATEGORICAL, nullable=False, holds=Holds.STRING),
        Feature(name="code", kind=Kind.CATEGORICAL, nullable=False, holds=Holds.NUMBER),
    )
    schema = InputSchema(features=features, source="model")

    assert made_up(schema) == {"price": 0, "owns": False, "region": "north", "city": "", "code": 0}
    assert InstanceChecker(schema).check([made_up(schema)]) is None
