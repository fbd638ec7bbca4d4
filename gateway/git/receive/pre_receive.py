"""Before git takes a push: each of its refs is decided, in order. What cannot be served is refused here.

It runs in git's quarantine: the objects are there, and vanish when all of the push is refused.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gateway.deployer.client import DeployerAwayError
from gateway.git.receive.context import HookContext
from gateway.git.receive.deploying import BranchRefusedError, Waiting, deploy, still_waits
from gateway.git.receive.ref_limits import RefsError, refuse_ref, refuse_refs
from gateway.git.receive.saying import say
from gateway.git.receive.shallow import refuse_shallow
from gateway.git.receive.takeable import push_options, refuse_untakeable
from gateway.git.receive.updates import BYTES, Target, Update
from model_runner.disk.space import is_full, no_room
from model_runner.folder.bounds import FolderError
from model_runner.plain_text import plain

UNTOUCHED = "Nothing was switched: the version that was live still is."


def pre_receive(updates: Sequence[Update], context: HookContext) -> int:
    """0 when git may take it, but for the refs that the context's file then names; 1 when it must take nothing."""
    try:
        refuse_refs(updates, context.branch)
        refuse_shallow(updates)
    except RefsError as error:
        say(f"✗ receive: {plain(error, 1000)}", "", UNTOUCHED)
        return 1
    if options := push_options():
        say(f"! push options do nothing here: {', '.join(options)}")
    refused = _refused(updates, context)
    if len(refused) == len(updates):
        return 1
    if refused:
        Path(context.refused).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Bytes, as git has them: its hook for each ref looks for its own line.
        Path(context.refused).write_bytes(b"".join(update.ref.encode(errors=BYTES) + b"\n" for update in refused))
        names = plain(", ".join(update.name for update in refused), 300)
        say("", f"! refused: {names}. The rest of the push is taken, unless it is to be so as a whole (--atomic)")
    return 0


def _refused(updates: Sequence[Update], context: HookContext) -> list[Update]:
    """Why is told. Of the branches that are not among them all is done but the switch."""
    waiting: dict[Update, Waiting] = {}
    branches = sum(each.deploys(context.branch) for each in updates)
    deleted = {each.ref for each in updates if each.deletes}

    def decide(update: Update) -> None:
        refuse_ref(update, context.branch)
        if update.deploys(context.branch):
            refuse_untakeable(update, deleted)
            if len(updates) > 1:
                what = "goes live" if update.target(context.branch) is Target.PRODUCTION else "becomes a preview"
                say("", f"{update.name} {what}:")
            waiting[update] = deploy(update, context, branches)

    def look_again(update: Update) -> None:
        """A job may be cancelled, or run out of its time, while the others of its push are worked on."""
        still_waits(waiting[update], context)

    refused = [update for update in updates if not _passes(partial(decide, update), context)]
    before_the_last = list(waiting)[:-1]
    return refused + [update for update in before_the_last if not _passes(partial(look_again, update), context)]


def _passes(look: Callable[[], None], context: HookContext) -> bool:
    """Whether nothing is raised; what is is told."""
    try:
        look()
    except (BranchRefusedError, DeployerAwayError, RefsError, FolderError) as error:
        if str(error):
            say(f"✗ receive: {plain(error, 1000)}", "", UNTOUCHED)
        return False
    except OSError as error:
        if not is_full(error):
            raise
        say(f"✗ receive: {no_room(error, Path(context.staging))}", "", UNTOUCHED)
        return False
    return True
