"""Branches other than the production branch: kept by git. Where their previews are deployed and removed."""

from gateway.git.context import HookContext
from gateway.git.updates import Update


def preview_is_pushed(update: Update, context: HookContext) -> None:
    """Called before git takes the branch, once its files were found to be takeable."""
    print(f"{update.name} is kept, and not deployed: only {context.branch} goes live", flush=True)


def preview_is_deleted(update: Update, context: HookContext) -> None:
    """Called after git has removed the branch."""
    print(f"{update.name} is removed; {context.model} stays as it is", flush=True)
