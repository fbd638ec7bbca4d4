"""What the gateway tells a hook: one environment variable, through git's own processes."""

import msgspec

from model_runner.folder.bounds import FolderBounds

VARIABLE = "TIDEGATE_GIT_HOOK"
REFUSED = "TIDEGATE_GIT_REFUSED"
"""Holds `refused` of the context for the hook of each ref, which is no Python: there may be a thousand."""


class HookContext(msgspec.Struct, frozen=True, kw_only=True):
    """Of one push."""

    workspace: str
    model: str
    branch: str
    """The production branch."""
    deployer: str
    """Path of the deployer's socket."""
    staging: str
    """Folder for exports."""
    url: str
    """Base URL of the gateway as the pusher sees it."""
    refused: str
    """Path of a file for the refs of this push that are refused while others are taken: one a line."""
    bounds: FolderBounds
    """Of the files of a commit."""


def encode(context: HookContext) -> str:
    return msgspec.json.encode(context).decode()


def decode(text: str) -> HookContext:
    return msgspec.json.decode(text, type=HookContext)
