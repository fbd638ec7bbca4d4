"""What a model asks for, shown to whoever sent something else: our form, filled with their own values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

_SHOWN_ROWS = 3
_SHOWN_CHARACTERS = 400
_DETAIL_CHARACTERS = 20_000
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Form:
    """Of one deployment."""

    known: frozenset[str] = frozenset()
    """Names of the features; empty where there is no schema."""
    order: tuple[str, ...] | None = None
    """The names in the order in which the model itself takes them; None where nobody knows it."""
    example: Mapping[str, Any] | None = None
    """A real instance."""

    def is_instance(self, found: Mapping[str, Any]) -> bool:
        """Whether a bare object is meant as one: it has a field of the model's, or nobody knows its fields."""
        if not self.known:
            return not found.keys() & {"instances", "dataframe_split", "dataframe_records"}
        return not found or not self.known.isdisjoint(found)

    def shown(self, rows: Sequence[Any]) -> str:
        """A sentence that ends a message.

        Args:
            rows: the instances that were meant; where none could be read the model's own example stands for them.
        """
        text = _text(self._filled(rows)) or '{"instances": [{"feature": value, ...}, ...]}'
        if len(text) > _SHOWN_CHARACTERS:
            text = f"{text[:_SHOWN_CHARACTERS]}…"
        more = f" and so on, {len(rows)} in all" if len(rows) > _SHOWN_ROWS else ""
        return f"Send {text}{more}"

    def details(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """The same for a program, whole; nothing where it is long."""
        body = self._filled(rows)
        return [{"send": body}] if 0 < len(_text(body)) <= _DETAIL_CHARACTERS else []

    def _filled(self, rows: Sequence[Any]) -> dict[str, Any]:
        sent = [row for row in rows[:_SHOWN_ROWS] if type(row) is dict]
        if not sent and self.example is not None:
            sent = [dict(self.example)]
        return {"instances": sent} if sent else {}


def _text(body: Mapping[str, Any]) -> str:
    """Empty where there is nothing to show, or JSON cannot hold it (numbers of more than 64 bits)."""
    try:
        return _encoder.encode(body).decode() if body else ""
    except (OverflowError, RecursionError, ValueError):
        return ""
