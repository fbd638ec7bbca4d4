"""After git took a push: only now does the new version get traffic, since a push that lost a race never comes here."""

from collections.abc import Sequence
from pathlib import Path

from gateway.deployer_client import DeployerAwayError, ask, follow
from gateway.deployer_protocol import Accepted, Ended, Line, Refused, Taken
from gateway.git.branches import preview_is_deleted
from gateway.git.context import HookContext
from gateway.git.saying import say
from gateway.git.updates import Target, Update


def post_receive(updates: Sequence[Update], context: HookContext) -> int:
    """0: git has the push, whatever becomes of the switch."""
    for update in updates:
        target = update.target(context.branch)
        try:
            if target is Target.OTHER:
                say(f"{update.name} is kept; tags deploy nothing")
            elif update.deletes:
                preview_is_deleted(update, context)
            else:
                _switch(update, context)
        except DeployerAwayError as error:
            # The deployer itself sees in the repository that git took the commit.
            say(f"! {error}. The push is taken; the switch follows when the deployer is back")
    return 0


def _switch(update: Update, context: HookContext) -> None:
    deployer = Path(context.deployer)
    job, said = 0, 0
    for answer in ask(deployer, Accepted(context.workspace, context.model, update.after)):
        if isinstance(answer, Taken):
            job = answer.job
        elif isinstance(answer, Line):
            said = answer.number
            say(answer.text)
        elif isinstance(answer, Refused):
            say(f"! {answer.reason}")
            return
        elif isinstance(answer, Ended):
            return
    if job and said:
        _go_on(deployer, job, said)


def _go_on(deployer: Path, job: int, said: int) -> None:
    """The deployer ended in between: its next life has the rest."""
    for answer in follow(deployer, job, said):
        if isinstance(answer, Line):
            say(answer.text)
        elif isinstance(answer, Ended | Refused):
            return
