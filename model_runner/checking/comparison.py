"""What is served against what the model itself answers, for the rows that a model folder brings along."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_runner.checking.asked_rows import Asked, Block
from model_runner.checking.comparison_refusals import (
    STAGE,
    failed_alone,
    failed_plainly,
    gave_no_answer,
    is_answered_otherwise,
)
from model_runner.checking.differences import first_difference
from model_runner.plain_text import plain
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import PredictionFailedError, RunnerError

__all__ = ["STAGE", "Asked", "Comparison", "compare"]

MOST_ALONE = 10
"""Rows of a file that are also asked one by one."""
_AGAIN = 100
"""Rows that are asked twice."""


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


class _OtherEachTimeError(Exception):
    """The model answers the same rows otherwise when it is asked again."""


class _PlainlyFailedError(Exception):
    """The model fails where it is asked by itself."""

    def __init__(self, block: Block, said: str) -> None:
        super().__init__(said)
        self.block = block


async def compare(client: RunnerClient, asked: Asked, batch_rows: int, *, is_comparable: bool) -> Comparison:
    """Ask the model itself for all rows that it was served with, together, and for some of them alone.

    Args:
        is_comparable: whether there is another way to the model than that of serving; else some rows are asked again.

    Raises:
        ModelError: a row is served another answer, or only in the way of serving, or not alone; which, why, and what
            the model says.
    """
    comparing = _Comparing(client, is_comparable)
    try:
        for number, block in enumerate(asked.blocks(batch_rows)):
            if is_comparable or not block.start:
                await comparing.take(block if is_comparable else block.some(_AGAIN), is_first=number == 0)
    except _OtherEachTimeError:
        return Comparison(0, comparing.is_alone, ("not compared: the model answers the same rows otherwise each time",))
    except _PlainlyFailedError as failed:
        raise await _narrowed(client, failed) from failed
    except RunnerError as error:
        raise gave_no_answer(error) from error
    return comparing.found()


class _Comparing:
    """Block by block."""

    def __init__(self, client: RunnerClient, is_comparable: bool) -> None:
        self.is_alone = False
        self._client = client
        self._is_comparable = is_comparable
        self._rows = 0
        self._notes: dict[str, None] = {}

    async def take(self, block: Block, *, is_first: bool) -> None:
        own = await self._own(block)
        if is_first:
            await self._refuse_random(block, own)
        await self._hold(block, own)
        self._rows += len(block.rows)
        if block.first == 0:
            self.is_alone |= await self._depends_on_others(block, own)

    def found(self) -> Comparison:
        notes = [*self._notes]
        if self.is_alone:
            notes.append("an answer depends on the rows beside it, so requests are predicted one by one")
        if not self._rows:
            notes.append("nothing was compared: there is no row of a test file or a reference to ask for")
        if self._rows and not self._is_comparable:
            notes.insert(0, f"{self._rows} rows asked again, together and alone: the same answers")
        return Comparison(self._rows * self._is_comparable, self.is_alone, tuple(notes))

    async def _own(self, block: Block) -> list[Any]:
        try:
            reply = await self._client.own(block.rows, block.start)
        except PredictionFailedError as error:
            raise _PlainlyFailedError(block, str(error)) from error
        if reply.message:
            self._notes[plain(reply.message, 300)] = None
        return reply.predictions or []

    async def _refuse_random(self, block: Block, own: Sequence[Any]) -> None:
        some = block.some(_AGAIN)
        first = own if len(block.rows) <= _AGAIN else await self._own(some)
        if first_difference(first, await self._own(some)) is not None:
            raise _OtherEachTimeError

    async def _hold(self, block: Block, own: Sequence[Any]) -> None:
        row = first_difference(block.served, own)
        if row is None:
            return
        again = (await self._client.predict(block.rows)).predictions or []
        if (
            first_difference(block.served, again) is not None
            or first_difference(own, await self._own(block)) is not None
        ):
            raise _OtherEachTimeError
        raise await _answered_otherwise(self._client, block.row(row), own[row])

    async def _depends_on_others(self, block: Block, own: Sequence[Any]) -> bool:
        """Raises ModelError where a row alone is served otherwise than the model itself answers it, or not at all."""
        step = max(1, len(block.rows) // MOST_ALONE)
        depends = False
        for index in range(0, min(len(block.rows), step * MOST_ALONE), step):
            row = block.row(index)
            alone = Block(row.file, row.rows, await self._alone(row), row.first, row.is_reference)
            own_alone = await self._own(alone)
            if first_difference(alone.served, own_alone) is not None:
                raise await _answered_otherwise(self._client, alone, own_alone[0])
            depends |= first_difference([own[index]], own_alone) is not None
        return depends

    async def _alone(self, row: Block) -> Sequence[Any]:
        try:
            return (await self._client.predict(row.rows)).predictions or []
        except PredictionFailedError as error:
            raise failed_alone(row, str(error)) from error


async def _answered_otherwise(client: RunnerClient, one: Block, own: Any) -> Exception:
    return is_answered_otherwise(one, own, await client.explain(one.rows[0], one.start))


async def _narrowed(client: RunnerClient, failed: _PlainlyFailedError) -> Exception:
    """With the first row that the model fails on alone; where it fails on none, with all of them."""
    block, said = failed.block, str(failed)
    while len(block.rows) > 1:
        middle = len(block.rows) // 2
        halves = (block.part(0, middle), block.part(middle, len(block.rows)))
        found = [(half, why) for half in halves if (why := await _fails(client, half)) is not None]
        if not found:
            break
        block, said = found[0]
    columns = await client.explain(block.rows[0], block.start) if len(block.rows) == 1 else []
    return failed_plainly(block, said, columns)


async def _fails(client: RunnerClient, block: Block) -> str | None:
    try:
        await client.own(block.rows, block.start)
    except PredictionFailedError as error:
        return str(error)
    return None
