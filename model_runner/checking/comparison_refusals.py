"""What the comparison refuses, in words: stage, file, row, what was answered or said, and the fix. Pure."""

from collections.abc import Sequence
from typing import Any

from model_runner.checking.asked_rows import Block
from model_runner.errors import ModelError
from model_runner.plain_text import plain
from model_runner.wire.failures import RunnerError, RunnerTimeoutError

STAGE = "compare"
_OTHERWISE = (
    "What a caller would get is not what the model answers. Declare the column in [features] of tidegate.toml as the "
    "training had it, or write a predict.py that makes the model's input of the rows"
)
_PLAINLY = (
    "Without that nobody can say whether what is served is right. If it fails in your notebook too (predict on these "
    "rows of the file), save it again with the versions of requirements.txt; if not, declare the columns in [features] "
    "of tidegate.toml as the training had them, or write a predict.py that makes the model's input of the rows"
)
_ALONE = "Callers may send one row: let the model, or a predict.py before it, answer a row alone"


def is_answered_otherwise(one: Block, own: Any, why: Sequence[Any]) -> ModelError:
    """This one row is served another answer than the model's own."""
    problem = f"{_where(one)}: served {plain(str(one.served[0]), 300)}, the model itself answers {plain(str(own), 300)}"
    return _refusal(one.file, problem + _columns(why), _OTHERWISE)


def failed_plainly(block: Block, said: str, why: Sequence[Any]) -> ModelError:
    """The model answers these rows in the way of serving alone."""
    served = f"served {plain(str(block.served[0]), 300)}, but " if len(block.rows) == 1 else "served, but "
    problem = f"{_where(block)}: {served}asked by itself the model fails: {plain(said, 500)}"
    return _refusal(block.file, problem + _columns(why), _PLAINLY)


def failed_alone(one: Block, said: str) -> ModelError:
    """Of others beside it this one row was answered."""
    problem = f"{_where(one)}: answered among others, and not alone: the model fails: {plain(said, 500)}"
    return _refusal(one.file, problem, _ALONE)


def gave_no_answer(error: RunnerError) -> ModelError:
    """Its process did not answer at all."""
    fix = "Deploy it again; if it stays, raise [limits] memory in tidegate.toml, or take fewer rows"
    if isinstance(error, RunnerTimeoutError):
        fix = "Take fewer rows of reference, or a faster model"
    return _refusal("model", f"did not answer when it was asked by itself: {plain(str(error), 500)}", fix)


def _where(block: Block) -> str:
    if len(block.rows) == 1:
        return f"row {block.first}"
    return f"rows {block.first} to {block.first + len(block.rows) - 1} together, though none of its halves"


def _columns(why: Sequence[Any]) -> str:
    said = [plain(str(each), 300) for each in why]
    return f"; column {', column '.join(said)}" if said else ""


def _refusal(file: str, problem: str, fix: str) -> ModelError:
    refusal = ModelError(file, problem, fix)
    refusal.stage = STAGE
    return refusal
