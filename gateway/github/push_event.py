"""A push event of GitHub, and what it means to one connection. Pure."""

import re

import msgspec

from gateway.deployer.protocol import Deliver, UpstreamBranchGone
from gateway.github.hook_connection import HookConnection
from model_runner.plain_text import plain

HEADS = "refs/heads/"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class PushEvent(msgspec.Struct):
    """What matters of a push event."""

    ref: str
    after: str
    deleted: bool = False

    @property
    def deletes(self) -> bool:
        return self.deleted or not _COMMIT.fullmatch(self.after) or set(self.after) == {"0"}


def message_for(connection: HookConnection, push: PushEvent, delivery: str) -> Deliver | UpstreamBranchGone:
    branch = push.ref.removeprefix(HEADS)
    if push.deletes:
        return UpstreamBranchGone(connection.id, branch)
    preview = branch != connection.branch
    return Deliver(connection=connection.id, delivery=delivery, commit=push.after, branch=branch, preview=preview)


def why_ignored(connection: HookConnection, push: PushEvent) -> str | None:
    ref = plain(push.ref, 100)
    if not push.ref.startswith(HEADS):
        return f"{ref} is no branch"
    if ref != push.ref:
        return f"{ref} is a name that cannot be shown"
    is_production = push.ref == f"{HEADS}{connection.branch}"
    if is_production and push.deletes:
        return f"{ref} was deleted: what is live stays"
    if not is_production and not connection.previews:
        return f"only {connection.branch} goes live; connect it with --previews for previews of other branches"
    return None
