"""A row that cannot be read costs itself: whoever reads many goes on with the others, and is told which it was."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeVar

from storage.registry.errors import RegistryError

log = logging.getLogger("storage.registry")
KEPT_CHARS = 200
FoundT = TypeVar("FoundT")


class DamagedRowError(RegistryError):
    """What stands in a row is nothing that was ever written there."""


class Damaged:
    """In place of a value that cannot be read, so that a query still has all its rows."""

    def __init__(self, detail: str) -> None:
        self.detail = detail


def read_json(text: str | bytes) -> Any:
    """The value, or why it is none."""
    try:
        if isinstance(text, str):
            text.encode()  # what was no UTF-8 has surrogates
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        return Damaged(f"no JSON: {error}"[:KEPT_CHARS])


def read_rows(
    rows: Iterable[Any],
    convert: Callable[[Any], FoundT],
    damaged: MutableMapping[str, str] | None = None,
) -> list[FoundT]:
    """The rows that can be read.

    Args:
        rows: of a table with a key `id`.
        convert: what it raises is damage of that row.
        damaged: takes the others, by id, with the reason. Where nobody asks for them the first one is raised.

    Raises:
        DamagedRowError: only without `damaged`.
    """
    found = []
    for row in rows:
        try:
            found.append(convert(row))
        except Exception as error:  # flipped bits may raise anything
            reason = _plain(f"row {row.id} of {row.__tablename__}{_whose(row)} cannot be read: {error}")
            if damaged is None:
                raise DamagedRowError(reason) from error
            damaged[str(row.id)] = reason
    return found


def require(value: Any, kind: type | tuple[type, ...], what: str) -> Any:
    """The value, where it is of this kind.

    Raises:
        ValueError: it is of another; `what` names it.
    """
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{what} is {type(value).__name__}")
    return value


def check(*rows: Any) -> None:
    """Every conversion of rows begins with it.

    Raises:
        DamagedRowError: a column holds what was never written there.
    """
    for row in rows:
        for attribute in row.__mapper__.column_attrs:
            value = getattr(row, attribute.key)
            if isinstance(value, Damaged):
                raise DamagedRowError(f"{row.__tablename__}.{attribute.key} is {value.detail}")
            if isinstance(value, str) and not value.isascii() and not _is_text(value):
                raise DamagedRowError(f"{row.__tablename__}.{attribute.key} is no UTF-8")


def tell(damaged: Mapping[str, str], told: MutableMapping[str, str] | None, what: str) -> None:
    """To the log, and to whoever asked for it."""
    for key, reason in damaged.items():
        log.error("%s is left out: %s", what, reason)
        if told is not None:
            told[key] = reason


def _whose(row: Any) -> str:
    """The model that it belongs to, where the row says it."""
    names = [name for name in (getattr(row, "name", None), getattr(row, "model", None)) if isinstance(name, str)]
    return f" (model {names[0][:KEPT_CHARS]})" if names else ""


def _plain(text: str) -> str:
    """What anybody can print and encode, whatever stood in the row."""
    return ascii(text[: 3 * KEPT_CHARS])[1:-1]


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
