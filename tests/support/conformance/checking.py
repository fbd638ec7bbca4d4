"""The comparison of a check, with a model of this process in the place of one behind a socket."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from model_runner.checking.comparison import Asked, Comparison, compare
from model_runner.explaining.raised import in_words
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.folder.settling import as_settled
from model_runner.folder.test_rows import TestRows
from model_runner.serving.loading import ServingModel, load_and_warm
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import PredictionFailedError
from model_runner.wire.frames import Reply
from tests.support.conformance.data import Data

BATCH_ROWS = 50


@dataclass
class _Here:
    """What a check asks of a `RunnerClient`."""

    serving: ServingModel

    async def predict(self, rows: Sequence[dict[str, Any]]) -> Reply:
        return self._replied(lambda: self.serving.predict(rows))

    async def own(self, rows: Sequence[dict[str, Any]], start: int | None) -> Reply:
        return self._replied(lambda: self.serving.own.answers(rows, start))

    async def explain(self, row: dict[str, Any], start: int | None) -> list[Any]:
        return self._replied(lambda: self.serving.own.explain([row], start)).predictions or []

    def _replied(self, ask: Any) -> Reply:
        try:
            return Reply(0, predictions=list(ask()))
        except Exception as error:  # as a runner does
            raise PredictionFailedError(in_words(error)) from error


def compared(
    serving: ServingModel, rows: list[dict[str, Any]], served: Sequence[Any], reference: Reference | None = None
) -> Comparison:
    """Raises ModelError as a deployment is refused."""
    of_reference = [] if reference is None else serving.predict(reference.rows(0, len(reference)))
    asked = Asked("test_data.json", TestRows(rows, None), served, reference, of_reference)
    client = cast(RunnerClient, _Here(serving))
    return asyncio.run(compare(client, asked, BATCH_ROWS, is_comparable=serving.own.are_its_own))


def compared_with_reference(folder: Path, data: Data) -> Comparison:
    """The same of a folder that gets its training data as reference too. Raises as `compared`."""
    names = list(data.instances[0])
    frame = data.x if isinstance(data.x, pd.DataFrame) else pd.DataFrame(np.asarray(data.x), columns=names)
    frame.to_csv(folder / "reference.csv", index=False)
    manifest = read_manifest(folder, "model")
    reference = read_reference(manifest)
    serving = load_and_warm(folder, time.perf_counter)
    assert reference is not None
    reference = reference.settled(serving.inputs.schema)
    rows = as_settled(data.instances, serving.inputs.schema)
    return compared(serving, rows, serving.predict(rows), reference)
