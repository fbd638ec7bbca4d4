"""Some rows that a new version has answered: what it can be compared by with the version before it."""

from dataclasses import dataclass
from typing import Any

from model_runner.checking.report import Report
from model_runner.schema.schema import InputSchema

MOST_ROWS = 200


@dataclass(frozen=True)
class Sample:
    """Rows with the new version's predictions for them; none where its folder has neither test rows nor a reference."""

    rows: list[dict[str, Any]]
    predictions: list[Any]
    source: str
    """What the rows are called."""
    schema: InputSchema | None
    example: dict[str, Any] | None


def sample_of(report: Report) -> Sample:
    """The test rows, else the first rows of the reference."""
    inputs = report.inputs
    test = report.test
    if test is not None:
        rows, predictions, source = test.rows, report.test_predictions, "test rows"
    elif report.reference is not None:
        rows, predictions = report.reference.rows(0, MOST_ROWS), report.reference_predictions
        source = "first reference rows"
    else:
        rows, predictions, source = [], [], "test rows"
    count = min(len(rows), len(predictions), MOST_ROWS)
    return Sample(rows[:count], predictions[:count], source, inputs.schema, inputs.example)
