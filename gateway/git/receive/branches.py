"""What becomes of the preview of a branch that git has removed."""

from pathlib import Path

from gateway.deployer.client import DeployerAwayError, ask
from gateway.deployer.protocol import BranchGone, Refused, Removed
from gateway.git.receive.context import HookContext
from gateway.git.receive.saying import say
from gateway.git.receive.updates import Update


def preview_is_deleted(update: Update, context: HookContext) -> None:
    """Called after git has removed the branch. Where the deployer is away, the preview ends by its time."""
    message = BranchGone(context.workspace, context.model, update.name)
    try:
        answer = next(iter(ask(Path(context.deployer), message)), None)
    except DeployerAwayError as error:
        say(f"! {error}. The preview of {update.name} ends when its time is over")
        return
    if isinstance(answer, Removed):
        what = "and its preview with it" if answer.previews else "it had no preview"
        say(f"{update.name} is removed, {what}; {context.model} stays as it is")
    elif isinstance(answer, Refused):
        say(f"! the preview of {update.name} was not removed: {answer.reason}")
