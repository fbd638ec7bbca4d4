"""What a model knows of the data that it was fitted on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from model_runner.schema.schema import Null


class Cells(StrEnum):
    """What stood in a column."""

    TEXT = "text"
    WHOLE = "whole numbers"
    FLOATS = "numbers"
    TRUTH = "true and false"


@dataclass(frozen=True)
class Column:
    """What a fitted part remembers of one column."""

    cells: Cells | None = None
    null: Null | None = None
    example: Any = None
    """One of its values."""


@dataclass(frozen=True)
class Fitted:
    """What is known of a training."""

    names: tuple[str, ...] | None = None
    """The columns, in order; None where the model does not know them."""
    count: int | None = None
    """How many they were; None where the model does not know it."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    """What its parts remember, by the name of the column; x0, x1, ... where there are none."""
    classes: frozenset[Any] = frozenset()
    """The labels that it was taught, as JSON's values."""


NOTHING = Fitted()


@runtime_checkable
class Remembers(Protocol):
    """A model that knows what it was fitted on."""

    def fitted(self) -> Fitted:
        """What it knows."""
