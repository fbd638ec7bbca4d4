"""After git took a push: only now does the new version get traffic, since a push that lost a race never comes here."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.deployer.client import DeployerAwayError, ask, follow
from gateway.deployer.protocol import Accepted, Ended, Line, Refused, Taken
from gateway.git.receive.branches import preview_is_deleted
from gateway.git.receive.context import HookContext
from gateway.git.receive.saying import say
from gateway.git.receive.updates import HEADS, TAGS, Target, Update


def post_receive(updates: Sequence[Update], context: HookContext) -> int:
    """0: git has the push, whatever becomes of the switch."""
    for update in updates:
        target = update.target(context.branch)
        try:
            if target is Target.OTHER:
                say(_kept(update))
            elif update.deletes:
                preview_is_deleted(update, context)
            else:
                _switch(update, context)
        except DeployerAwayError as error:
            # The deployer itself sees in the repository that git took the commit.
            say(f"! {error}. The push is taken; the switch follows when the deployer is back")
    _say_how_to_go_live(updates, context)
    return 0


def _say_how_to_go_live(updates: Sequence[Update], context: HookContext) -> None:
    """To whoever pushed a first branch by another name than that which goes live, and waits for an API."""
    previews = [update.name for update in updates if update.deploys(context.branch)]
    if previews and not _is_there(f"{HEADS}{context.branch}"):
        found = f"nothing of {context.model} is live: only {context.branch} goes live, and other branches are previews"
        say("", f"{found}. To make this one live: git push <remote> {previews[0]}:{context.branch}")


def _is_there(ref: str, git_dir: str = ".") -> bool:
    command = ("git", "--git-dir", git_dir, "show-ref", "--verify", "--quiet", ref)
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _kept(update: Update) -> str:
    what = "tags deploy" if update.ref.startswith(TAGS) else f"what is not below {HEADS} deploys"
    return f"{update.name} is {'removed' if update.deletes else 'kept'}; {what} nothing"


def _switch(update: Update, context: HookContext) -> None:
    deployer = Path(context.deployer)
    job, said = 0, 0
    for answer in ask(deployer, Accepted(context.workspace, context.model, update.name, update.after)):
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
