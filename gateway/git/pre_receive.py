"""Before git takes a push: export, and have everything done but the switch. What cannot be served is refused here.

It runs in git's quarantine: the objects are there, and vanish when the push is refused.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.deployer_client import DeployerAwayError, ask, follow
from gateway.deployer_protocol import Ended, FromDeployer, Line, Prepared, Refused, Submit, Taken
from gateway.git.context import HookContext
from gateway.git.export import export
from gateway.git.lfs_store import LfsStore
from gateway.git.ref_limits import RefsError, refuse_refs
from gateway.git.saying import say
from gateway.git.updates import Target, Update
from model_runner.disk import is_full, no_room
from model_runner.folder_bounds import FolderError
from model_runner.plain_text import plain

UNTOUCHED = "Nothing was switched: the version that was live still is."


class PushRefusedError(Exception):
    """The reason was told already, or is the message."""


def pre_receive(updates: Sequence[Update], context: HookContext) -> int:
    """0 when git may take all of it, 1 when it must take nothing."""
    try:
        _judge(updates, context)
        for update in updates:
            if update.target(context.branch) is not Target.OTHER and not update.deletes:
                _deploy(update, context)
    except (PushRefusedError, RefsError, FolderError, DeployerAwayError) as error:
        if str(error):
            stage = "receive: " if isinstance(error, RefsError | FolderError) else ""
            say(f"✗ {stage}{plain(error, 1000)}", "", UNTOUCHED)
        return 1
    except OSError as error:
        if not is_full(error):
            raise
        say(f"✗ receive: {no_room(error, Path(context.staging))}", "", UNTOUCHED)
        return 1
    return 0


def _judge(updates: Sequence[Update], context: HookContext) -> None:
    """What needs no deployment to be judged.

    Raises:
        PushRefusedError, RefsError: why it is refused.
    """
    refuse_refs(updates, context.branch)
    for update in updates:
        target = update.target(context.branch)
        if update.deletes and target is Target.PRODUCTION:
            raise PushRefusedError(
                f"{context.branch} is what is live: it is not deleted. Push another commit to it to change the model"
            )


def _deploy(update: Update, context: HookContext) -> None:
    """Raises PushRefusedError, FolderError or DeployerAwayError: it cannot go live."""
    began = time.monotonic()
    staging = Path(context.staging)
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix="push-", dir=staging))
    try:
        export(update.after, folder, LfsStore(Path.cwd()), context.bounds)
        job = _submit(update, context, folder, time.monotonic() - began)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # From here on the folder is the deployer's.
    _await_prepared(job, Path(context.deployer))


def _submit(update: Update, context: HookContext, folder: Path, seconds: float) -> int:
    message = Submit(
        workspace=context.workspace,
        model=context.model,
        branch=update.name,
        preview=update.target(context.branch) is Target.PREVIEW,
        commit=update.after,
        before=update.before,
        folder=str(folder),
        received_s=seconds,
        repository=str(Path.cwd()),
        pusher=os.getppid(),
        url=context.url,
    )
    for answer in ask(Path(context.deployer), message):
        if isinstance(answer, Taken):
            return answer.job
        if isinstance(answer, Refused):
            raise PushRefusedError(answer.reason)
    raise PushRefusedError("the deployer ended before it took the job: push again")


def _await_prepared(job: int, deployer: Path) -> None:
    """Tell its lines until all but the switch is done. Raises PushRefusedError where that fails."""
    for answer in follow(deployer, job):
        tell(answer)
        if isinstance(answer, Prepared):
            return
        if isinstance(answer, Ended):
            raise PushRefusedError("" if answer.state != "succeeded" else f"job {job} has ended already: push again")
        if isinstance(answer, Refused):
            raise PushRefusedError(answer.reason)


def tell(answer: FromDeployer) -> None:
    if isinstance(answer, Line):
        say(answer.text)
