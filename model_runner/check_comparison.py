"""What is served against what the model itself answers, for the rows that a model folder brings along."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model_runner.client import RunnerClient
from model_runner.comparing import first_difference
from model_runner.errors import ModelError
from model_runner.failures import PredictionFailedError, RunnerError
from model_runner.plain_text import plain
from model_runner.reference import Reference
from model_runner.test_rows import TestRows

STAGE = "compare"
MOST_ALONE = 10
"""Rows of a file that are also asked one by one."""
_AGAIN = 100
"""Rows that are asked twice."""
_FIX = (
    "What a caller would get is not what the model answers. Declare the column in [features] of tidegate.toml as the "
    "training had it, or write a predict.py that makes the model's input of the rows"
)


@dataclass(frozen=True)
class Comparison:
    """What was found out."""

    rows: int
    """That were answered as the model itself answers them; 0 where it can only be asked in the way of serving."""
    is_alone: bool
    """Whether an answer depends on the rows beside it."""
    notes: tuple[str, ...]

    @property
    def detail(self) -> str:
        """For people."""
        said = [f"{self.rows:,} rows as the model itself answers them"] if self.rows else []
        return "; ".join([*said, *self.notes])


@dataclass(frozen=True)
class _Block:
    """Rows that were asked together."""

    file: str
    rows: list[dict[str, Any]]
    served: Sequence[Any]
    start: int | None
    """Which row of the reference is the first; None where they are not of it."""

    def some(self, most: int) -> "_Block":
        return _Block(self.file, self.rows[:most], self.served[:most], self.start)

    def row(self, index: int) -> "_Block":
        start = None if self.start is None else self.start + index
        return _Block(self.file, self.rows[index : index + 1], self.served[index : index + 1], start)


class _OtherEachTimeError(Exception):
    """The model answers the same rows otherwise when it is asked again."""


@dataclass(frozen=True)
class Asked:
    """What was served."""

    test_file: str
    test: TestRows | None
    test_predictions: Sequence[Any]
    reference: Reference | None
    reference_predictions: Sequence[Any]

    def blocks(self, size: int) -> Iterator[_Block]:
        """In the batches in which it was asked."""
        if self.test is not None:
            yield _Block(self.test_file, self.test.rows, self.test_predictions, None)
        if self.reference is not None:
            for number, rows in enumerate(self.reference.batches(size)):
                start = number * size
                yield _Block(self.reference.file, rows, self.reference_predictions[start : start + len(rows)], start)


async def compare(client: RunnerClient, asked: Asked, batch_rows: int, *, is_comparable: bool) -> Comparison:
    """Ask the model itself for all rows that it was served with, together, and for some of them alone.

    Args:
        is_comparable: whether there is another way to the model than that of serving; else some rows are asked again.

    Raises:
        ModelError: a row is served another answer; which, why, and both answers.
    """
    compared, again, is_alone = 0, 0, False
    try:
        for number, each in enumerate(asked.blocks(batch_rows)):
            block = each if is_comparable else each.some(_AGAIN)
            if not is_comparable:
                if block.start:
                    break
                again += len(block.rows)
            own = await _own(client, block)
            if number == 0:
                await _refuse_random(client, block, own)
            await _hold(client, block, own)
            compared += len(block.rows) * is_comparable
            if block.start in {None, 0}:
                is_alone |= await _depends_on_others(client, block, own)
    except _OtherEachTimeError:
        return Comparison(0, is_alone, ("not compared: the model answers the same rows otherwise each time",))
    except PredictionFailedError as error:
        said = plain(str(error), 200)
        return Comparison(compared, is_alone, (f"not compared further: asked by itself the model says {said}",))
    except RunnerError as error:
        refusal = ModelError("model", f"did not answer when it was asked by itself: {error}", "Deploy it again")
        refusal.stage = STAGE
        raise refusal from error
    notes = ("an answer depends on the rows beside it, so requests are predicted one by one",) if is_alone else ()
    if again:
        notes = (f"{again} rows asked again, together and alone: the same answers", *notes)
    return Comparison(compared, is_alone, notes)


async def _own(client: RunnerClient, block: _Block) -> list[Any]:
    return (await client.own(block.rows, block.start)).predictions or []


async def _refuse_random(client: RunnerClient, block: _Block, own: Sequence[Any]) -> None:
    some = block.some(_AGAIN)
    first = own if len(block.rows) <= _AGAIN else await _own(client, some)
    if first_difference(first, await _own(client, some)) is not None:
        raise _OtherEachTimeError


async def _hold(client: RunnerClient, block: _Block, own: Sequence[Any]) -> None:
    row = first_difference(block.served, own)
    if row is None:
        return
    again = (await client.predict(block.rows)).predictions or []
    if (
        first_difference(block.served, again) is not None
        or first_difference(own, await _own(client, block)) is not None
    ):
        raise _OtherEachTimeError
    await _refuse(client, block, row, own)


async def _depends_on_others(client: RunnerClient, block: _Block, own: Sequence[Any]) -> bool:
    """Raises ModelError where a row alone is served otherwise than the model itself answers it."""
    step = max(1, len(block.rows) // MOST_ALONE)
    depends = False
    for index in range(0, min(len(block.rows), step * MOST_ALONE), step):
        row = block.row(index)
        alone = _Block(row.file, row.rows, (await client.predict(row.rows)).predictions or [], row.start)
        own_alone = await _own(client, alone)
        if first_difference(alone.served, own_alone) is not None:
            await _refuse(client, alone, 0, own_alone, offset=index)
        depends |= first_difference([own[index]], own_alone) is not None
    return depends


async def _refuse(client: RunnerClient, block: _Block, row: int, own: Sequence[Any], offset: int = 0) -> None:
    """Raises ModelError: this row is answered otherwise, and why."""
    one = block.row(row)
    why = [plain(str(each), 300) for each in await client.explain(one.rows[0], one.start)]
    where = f"row {row + (block.start or 0) + (offset if block.start is None else 0)}"
    problem = (
        f"{where}: served {plain(str(block.served[row]), 300)}, the model itself answers {plain(str(own[row]), 300)}"
    )
    if why:
        problem += f"; column {', column '.join(why)}"
    refusal = ModelError(block.file, problem, _FIX)
    refusal.stage = STAGE
    raise refusal
