"""One branch of a push: its files are exported, and a job does all but the switch, while git waits."""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.deployer.client import ask, follow
from gateway.deployer.protocol import Ended, JobPrepared, Line, Refused, Submit, Taken
from gateway.git.content.export import export
from gateway.git.lfs.store import LfsStore
from gateway.git.receive.context import HookContext
from gateway.git.receive.saying import say
from gateway.git.receive.updates import Target, Update


@dataclass(frozen=True)
class Waiting:
    """A job, and the last of its lines that was told."""

    job: int
    said: int = 0


class BranchRefusedError(Exception):
    """A branch that cannot go live. The reason was told already, or is the message."""


def deploy(update: Update, context: HookContext, refs: int) -> Waiting:
    """Returns its job when its runner answers, and only its traffic is missing.

    Args:
        refs: how many branches the push deploys.

    Raises:
        BranchRefusedError, FolderError, DeployerAwayError: it cannot go live.
        OSError: of the disk.
    """
    began = time.monotonic()
    staging = Path(context.staging)
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix="push-", dir=staging))
    try:
        export(update.after, folder, LfsStore(Path.cwd()), context.bounds)
        job = _submit(update, context, folder, time.monotonic() - began, refs)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # From here on the folder is the deployer's.
    return still_waits(Waiting(job), context)


def still_waits(waiting: Waiting, context: HookContext) -> Waiting:
    """Tell its lines until all but the switch is done; of one that was prepared before, whether it still is.

    Raises:
        BranchRefusedError: it has failed, or was cancelled.
    """
    job, said = waiting.job, waiting.said
    for answer in follow(Path(context.deployer), job, said):
        if isinstance(answer, Line):
            said = answer.number
            say(answer.text)
        elif isinstance(answer, JobPrepared):
            break
        elif isinstance(answer, Ended):
            raise BranchRefusedError("" if answer.state != "succeeded" else f"job {job} has ended already: push again")
        elif isinstance(answer, Refused):
            raise BranchRefusedError(answer.reason)
    return Waiting(job, said)


def _submit(update: Update, context: HookContext, folder: Path, seconds: float, refs: int) -> int:
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
        refs=refs,
    )
    for answer in ask(Path(context.deployer), message):
        if isinstance(answer, Taken):
            return answer.job
        if isinstance(answer, Refused):
            raise BranchRefusedError(answer.reason)
    raise BranchRefusedError("the deployer ended before it took the job: push again")
