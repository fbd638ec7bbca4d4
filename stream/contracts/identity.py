"""Whose events, panes and metrics something is."""

from typing import NamedTuple


class Identity(NamedTuple):
    """Whose pane it is."""

    workspace: str
    model: str
    version: int
    deployment_id: str
