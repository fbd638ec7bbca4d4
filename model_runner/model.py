"""What a model in memory is, whatever its format: rows in, predictions out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from model_runner.schema.manner import Manner
from model_runner.schema.schema import Feature, InputSchema

Row = Mapping[str, Any]
"""One instance: values by feature name; None is a missing value."""


Predict = Callable[[Sequence[Row]], list[Any]]
"""One JSON-able prediction per row, in order."""


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def native(self) -> Any:
        """The library's own object, as `predict.py` gets it."""

    @property
    def description(self) -> str:
        """Library, version and class, for people."""

    @property
    def task(self) -> str:
        """`classification`, `regression` or `other`."""

    def own_features(self) -> tuple[Feature, ...] | None:
        """The inputs that the model file itself names; None where it names none."""

    def bind(self, schema: InputSchema | None) -> Predict:
        """The prediction function for instances of this schema.

        Raises:
            ValueError: the model cannot be fed from the schema (it says why).
            ModelError: what was loaded cannot predict by itself.
        """


@runtime_checkable
class Settles(Protocol):
    """A model that can be asked in more than one way."""

    def settle(self, schema: InputSchema | None, rows: Sequence[Row]) -> Manner:
        """How it is to be asked, tried with real rows. Raises what the model does where nothing works."""

    def bind_as(self, schema: InputSchema | None, manner: Manner) -> Predict:
        """As `bind`, in this manner."""
