"""Commits without their history, as a clone of depth 1 pushes them: git refuses them too, when all the work is done."""

from collections.abc import Sequence

from gateway.git.content.listing import ListingError, listing
from gateway.git.receive.ref_limits import RefsError
from gateway.git.receive.updates import Update
from model_runner.plain_text import plain

_FIX = (
    "fetch the history (`git fetch --unshallow`; on GitHub Actions `fetch-depth: 0` of the checkout, on GitLab "
    "`GIT_DEPTH: 0`), then push again"
)


def refuse_shallow(updates: Sequence[Update], git_dir: str = ".") -> None:
    """Raises RefsError: a commit of these came without those before it, and the repository has them not."""
    commits = [update.after for update in updates if not update.deletes]
    if not commits:
        return
    command = ("--git-dir", git_dir, "rev-list", "--count", *commits, "--not", "--all")
    try:
        with listing(command, None, b"\n") as records:
            for _ in records:
                pass
    except ListingError as error:
        if "parents" not in str(error):
            raise RefsError(f"git cannot read what was pushed: {plain(error)}") from None
        raise RefsError(f"this clone is shallow: it has not the commits before the one it pushes. So {_FIX}") from None
