"""Names of models and workspaces, and the nearest name to a misspelt one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

DEFAULT_WORKSPACE = "default"


NAME_RULE = "a lower-case letter or digit, then up to 62 of a-z, 0-9, - and _"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_valid_name(name: str) -> bool:
    """Whether the name can stand in a URL, a folder and a topic key without escaping."""
    return _NAME.fullmatch(name) is not None


def suggested_name(name: str) -> str:
    """The valid name nearest to this one; "model" where nothing of it can be kept."""
    kept = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:63].rstrip("-_")
    return kept or "model"


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that look most like this one, best first; empty where none does."""
    by_look = {each.casefold(): each for each in known}
    return [by_look[look] for look in get_close_matches(name.casefold(), list(by_look), n=most, cutoff=0.6)]
