"""Puts what a sandbox refuses into words: a model's code only sees an error number."""

import errno
from collections.abc import Iterator, Sequence
from typing import Any

from model_runner.limits import Limits, over_memory
from model_runner.model import Predict, Row

_REFUSALS = {
    errno.EPERM,
    errno.EACCES,
    errno.EROFS,
    errno.ENOENT,
    errno.ENETUNREACH,
    errno.EAFNOSUPPORT,
    errno.ENOSYS,
    errno.EAGAIN,
}
_HINT = (
    "Models run in a sandbox: they read their own folder and their packages, write to the temporary folder alone, and "
    "have no network and no processes of their own. Put what the model needs into its folder"
)
_SAYS_MEMORY = (
    "bad_alloc",
    "cannot allocate memory",
    "can't allocate memory",
    "unable to allocate",
    "out of memory",
    "alloc of size",  # Arrow's malloc and realloc
)


def hint(error: BaseException) -> str:
    """What to do about an error that a sandbox may have caused; empty for any other."""
    refused = any(isinstance(each, OSError) and each.errno in _REFUSALS for each in _chain(error))
    return _HINT if refused else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Also for libraries that say it in words."""
    return any(isinstance(each, MemoryError) or _says_memory(str(each)) for each in _chain(error))


def says_out_of_memory(log: str) -> bool:
    """Whether the end of a runner's log tells of it: code in C++ aborts."""
    return "MemoryError" in log or _says_memory(log)


def explaining(predict: Predict, limits: Limits) -> Predict:
    """The same, with an error that names the limit where memory ran out."""

    def explained(rows: Sequence[Row]) -> list[Any]:
        try:
            return predict(rows)
        except Exception as error:
            if is_out_of_memory(error):
                raise MemoryError(str(over_memory("model", limits, "predicted"))) from error
            raise

    return explained


def _says_memory(text: str) -> bool:
    lower = text.lower()
    return any(words in lower for words in _SAYS_MEMORY)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
