"""How many refs a push may name and a repository may have, and what they may be called."""

from collections.abc import Sequence

from gateway.git.content.listing import ListingError, listing
from gateway.git.receive.updates import Target, Update
from model_runner.plain_text import STAND_IN, plain, printable

NAME_CHARACTERS = 200
MOST_REFS = 1000
"""In one push."""
MOST_DEPLOYED = 10
"""Branches in one push: each is checked and started, one after the other, while the client waits."""
MOST_KEPT = 10_000
"""In one repository: each client is told of all of them."""


class RefsError(Exception):
    """A push that is refused for its refs; the message names the fix."""


def refuse_refs(updates: Sequence[Update], branch: str, git_dir: str = ".") -> None:
    """`branch` is the production branch.

    Raises:
        RefsError: they are too many.
    """
    if len(updates) > MOST_REFS:
        raise RefsError(f"{len(updates):,} branches and tags at once; the most is {MOST_REFS:,}: push some at a time")
    deployed = [update for update in updates if update.deploys(branch)]
    if len(deployed) > MOST_DEPLOYED:
        found = f"{len(deployed)} branches at once, each of which is deployed; the most is {MOST_DEPLOYED}"
        raise RefsError(f"{found}: push those that are to be deployed, or some at a time")
    made = sum(set(update.before) == {"0"} and not update.deletes for update in updates)
    if made and made + _count(git_dir) > MOST_KEPT:
        raise RefsError(f"the repository would have more than {MOST_KEPT:,} branches and tags: delete some first")


def refuse_ref(update: Update, branch: str) -> None:
    """Raises RefsError: it has a name that nobody could be shown, or removes what is live."""
    if printable(update.ref, NAME_CHARACTERS) != update.ref or STAND_IN in update.ref:
        fix = f"use up to {NAME_CHARACTERS} plain characters"
        raise RefsError(f"{plain(update.ref, 60)} is no name for a branch or tag here: {fix}")
    if update.deletes and update.target(branch) is Target.PRODUCTION:
        fix = "Push another commit to it to change the model"
        raise RefsError(f"{branch} is what is live: it is not deleted. {fix}")


def _count(git_dir: str) -> int:
    command = ("--git-dir", git_dir, "for-each-ref", f"--count={MOST_KEPT + 1}", "--format=%(objectname)")
    try:
        with listing(command, None, b"\n") as records:
            return sum(1 for _ in records)
    except ListingError as error:
        raise RefsError(f"git cannot list the repository's branches: {plain(error)}") from None
