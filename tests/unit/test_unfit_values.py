"""A value that a model cannot be given is its caller's mistake: 422 with the field, and nobody else's request fails."""

from collections.abc import Sequence
from typing import Any

from gateway.refusals import of_runner
from model_runner.model import Row
from model_runner.schema.dtypes import UnfitValueError
from model_runner.schema.instances import Problem
from model_runner.serving.batching import run_batch
from model_runner.wire.failures import UnfitInstanceError
from model_runner.wire.frames import Unfit


def _predict(rows: Sequence[Row]) -> list[Any]:
    for number, row in enumerate(rows):
        if row["id"] > 2**63:
            raise UnfitValueError(number, "id", "it does not fit into int64")
    return [row["id"] for row in rows]


def test_only_the_request_with_the_value_fails_and_the_row_is_its_own() -> None:
    good, bad = run_batch(_predict, [[{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 2**64 - 1}]], lambda: 0.0)
    assert (good.predictions, good.error, good.unfit) == ([1, 2], None, None)
    assert (bad.predictions, bad.unfit) == (None, Unfit(1, "id", "it does not fit into int64"))
    assert bad.error == "instances[1].id: it does not fit into int64"


def test_the_caller_is_told_the_field() -> None:
    message = "instances[1].id: it does not fit into int64"
    refusal = of_runner(UnfitInstanceError(message, 1, "id"))
    assert (refusal.status, refusal.code, refusal.message) == (422, "invalid_features", message)
    assert refusal.details == [Problem(row=1, field="id", expected=None, found=None, message=message)]
