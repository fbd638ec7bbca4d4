"""What git itself would refuse of a branch, but only when all the work for it is done."""

import os
from collections.abc import Collection, Mapping

from gateway.git.content.listing import ListingError, listing
from gateway.git.receive.ref_limits import RefsError
from gateway.git.receive.updates import HEADS, Update
from model_runner.plain_text import plain


def refuse_untakeable(update: Update, deleted: Collection[str], git_dir: str = ".") -> None:
    """Of a branch that is to be deployed.

    Args:
        deleted: refs that the same push removes.

    Raises:
        RefsError: it is no commit, or its name is in the way of another branch's.
    """
    kind = next(iter(_said(("cat-file", "-t", update.after), git_dir)), "")
    if kind != "commit":
        fix = f"push the commit itself: git push <remote> <name>^{{commit}}:{update.name}"
        raise RefsError(f"{update.name} would be a {plain(kind, 20)}, and a branch is a commit: {fix}")
    parts = update.ref.removeprefix(HEADS).split("/")
    above = {HEADS + "/".join(parts[:count]) for count in range(1, len(parts))}
    for other in _said(("for-each-ref", "--format=%(refname)", *above, update.ref), git_dir):
        if other not in deleted and (other in above or other.startswith(f"{update.ref}/")):
            found = f"{update.name} and the branch {plain(other.removeprefix(HEADS), 200)} cannot both be"
            raise RefsError(f"{found}: one is a folder of the other. Use another name")


def _said(command: tuple[str, ...], git_dir: str) -> list[str]:
    try:
        with listing(("--git-dir", git_dir, *command), None, b"\n") as records:
            return [record.decode(errors="replace") for record in records]
    except ListingError as error:
        raise RefsError(f"git cannot read what was pushed: {plain(error)}") from None


def push_options(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Of `git push -o`, as git hands them to a hook."""
    count = environment.get("GIT_PUSH_OPTION_COUNT", "0")
    return [plain(environment.get(f"GIT_PUSH_OPTION_{number}", ""), 100) for number in range(int(count))][:20]
