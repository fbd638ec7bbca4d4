"""Names that a library rewrote while callers keep the real ones, as LightGBM makes underscores of spaces. Pure."""

import re
from collections.abc import Sequence

_OTHER = re.compile(r"[\W_]")


def matched(own: Sequence[str], known: Sequence[str]) -> list[str] | None:
    """For each name of the model's own the one of `known` that it was made of; None where that is not certain.

    A name that is there stays; of the others every letter and digit has to agree, and everything else may have become
    something else, sign by sign or a run of signs at once. Two names that become one are nobody's.

    >>> matched(["my_size", "x"], ["x", "my size"])
    ['my size', 'x']
    """
    if set(own) <= set(known):
        return list(own)
    for plain in (plain_name, _by_words):
        table: dict[str, list[str]] = {}
        for name in known:
            table.setdefault(plain(name), []).append(name)
        found = [[name] if name in known else table.get(plain(name), []) for name in own]
        if all(len(each) == 1 for each in found) and len({each[0] for each in found}) == len(own):
            return [each[0] for each in found]
    return None


def plain_name(name: str) -> str:
    """Letters and digits, and `_` for everything else."""
    return _OTHER.sub("_", name)


def _by_words(name: str) -> str:
    return "_".join(word for word in _OTHER.sub(" ", name).split())
