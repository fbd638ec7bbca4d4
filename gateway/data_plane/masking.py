"""Sensitive features are masked before they leave the gateway: in one place, and closed when in doubt."""

from collections.abc import Mapping
from typing import Any

MASKED_TEXT = "***"


def mask_features(features: Mapping[str, Any], masked: frozenset[str], known: frozenset[str] | None) -> dict[str, Any]:
    """A copy in which masked text is `***` and any other masked value null.

    Args:
        features: as received.
        masked: names whose values must not leave.
        known: the schema's names; a name outside it may be a misspelt sensitive one, so it is masked as well.
            None where there is no schema.
    """
    return {
        name: _masked(value) if name in masked or (known is not None and name not in known) else value
        for name, value in features.items()
    }


def _masked(value: Any) -> str | None:
    return MASKED_TEXT if isinstance(value, str) else None
