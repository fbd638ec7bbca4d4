"""What a model itself answers, called as its library says, beside what is served of it. For checks alone."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol, runtime_checkable

from model_runner.folder.schema_source import ModelInputs
from model_runner.model import Predict, Row
from model_runner.schema.manner import Manner
from model_runner.schema.schema import InputSchema
from model_runner.serving.own_frames import OwnFrames

MOST_COLUMNS = 300
"""That are tried one by one for a difference."""
_SHOWN = 3
_NO_PANDAS = (
    "its environment has no pandas to ask it as a notebook would, so its answers are only asked twice, not "
    "compared; a line `pandas` in requirements.txt changes that"
)


@runtime_checkable
class Comparable(Protocol):
    """A model that has a `predict` of its own to be compared with."""

    def own_answers(self, frame: Any, schema: InputSchema | None, manner: Manner) -> list[Any]:
        """What the library answers to this DataFrame of named columns."""


@runtime_checkable
class Shown(Protocol):
    """A model of which can be told what it is given."""

    def given(self, rows: Sequence[Row], schema: InputSchema | None, manner: Manner) -> Any:
        """The rows as a DataFrame of what the model gets of them."""


class OwnAnswers:
    """Of one model; where it has no other way of being asked, what is served, asked once more.

    Rows come with the number of the first of them in the reference; None where they are not of it.
    """

    def __init__(self, model: object, predict: Predict, frames: OwnFrames, inputs: ModelInputs) -> None:
        self._model = model
        self._predict = predict
        self._frames = frames
        self._schema = inputs.schema
        self._manner = inputs.manner or Manner()

    @property
    def are_its_own(self) -> bool:
        return isinstance(self._model, Comparable) and _has_pandas()

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it has no other way of being asked, where it would have one elsewhere."""
        return (_NO_PANDAS,) if isinstance(self._model, Comparable) and not _has_pandas() else ()

    def answers(self, rows: Sequence[Row], start: int | None) -> list[Any]:
        """One a row. Raises what the model's code does."""
        if not isinstance(self._model, Comparable) or not self.are_its_own:
            return self._predict(rows)
        found: dict[int, Any] = {}
        for numbers, frame in self._frames.parts(rows, start):
            answers = self._model.own_answers(frame, self._schema, self._manner)
            if len(answers) != len(numbers):
                raise ValueError(f"{len(answers)} predictions for {len(numbers)} rows")
            found |= zip(numbers, answers, strict=True)
        return [found[number] for number in range(len(rows))]

    @property
    def said(self) -> str:
        """Of the frames that it was asked with: why they are not pandas' own; empty where they are."""
        return self._frames.note

    def forget(self) -> None:
        """Nobody asks any more."""
        self._frames.forget()

    def explain(self, rows: Sequence[Row], start: int | None) -> list[str]:
        """Which columns of this one row are the reason why it is answered otherwise, in words; empty: nobody knows."""
        if not self.are_its_own or not isinstance(self._model, Shown):
            return []
        own = self._frames.frame(rows, start)
        given = self._model.given(rows, self._schema, self._manner)
        names = [name for name in own.columns if name in given.columns and _differ(own[name], given[name])]
        if len(names) > 1:
            names = [name for name in names[:MOST_COLUMNS] if self._matters(own, given, name)] or names
        return [_words(name, own[name], given[name]) for name in names[:_SHOWN]]

    def _matters(self, own: Any, given: Any, name: str) -> bool:
        return self._tried(own) != self._tried(own.assign(**{name: given[name]}))

    def _tried(self, frame: Any) -> list[Any] | None:
        """None where it fails: what it cannot read at all it reads otherwise."""
        assert isinstance(self._model, Comparable)  # noqa: S101 - asked before
        try:
            return self._model.own_answers(frame, self._schema, self._manner)
        except Exception:
            return None


def _has_pandas() -> bool:
    return find_spec("pandas") is not None


def _differ(own: Any, given: Any) -> bool:
    return str(own.dtype) != str(given.dtype) or repr(own.tolist()) != repr(given.tolist())


def _words(name: str, own: Any, given: Any) -> str:
    trained = f"{own.tolist()[0]!r} ({own.dtype}) as the training reads it"
    return f"{name!r} is {trained} and is served as {given.tolist()[0]!r} ({given.dtype})"
