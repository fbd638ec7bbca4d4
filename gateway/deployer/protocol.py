"""What a client and the deployer say to each other on its Unix socket: length-prefixed msgpack frames."""

import msgspec

from model_runner.wire.frames import FrameReader

LENGTH_BYTES = 4


class Submit(msgspec.Struct, tag="submit", frozen=True, kw_only=True):
    """Deploy what a push brought; the answer is `Taken`, then its lines."""

    workspace: str
    model: str
    branch: str
    preview: bool
    """Whether it becomes the preview of that branch, and not what is live."""
    commit: str
    before: str
    """The commit that the branch was at; zeros where there was no branch."""
    folder: str
    """Its files, exported; from now on the deployer's own."""
    received_s: float
    """Seconds that the export took."""
    repository: str
    """Path of the bare repository: whether git took the commit is read there."""
    pusher: int
    """Process id of the git that receives the push: when it has ended, nothing is accepted any more."""
    url: str
    """Base URL that the pusher sees the gateway under."""
    refs: int = 1
    """How many branches this push deploys. Git decides on all of them together, when the last one is prepared."""


class Deliver(msgspec.Struct, tag="deliver", frozen=True, kw_only=True):
    """Deploy a commit of a connected GitHub repository; the answer is `Taken`, and no lines."""

    connection: int
    delivery: str
    commit: str
    branch: str
    preview: bool = False
    """Whether it becomes the preview of that branch, and not what is live."""


class UpstreamBranchGone(msgspec.Struct, tag="upstream_branch_gone", frozen=True):
    """A branch of a connected GitHub repository was deleted: its preview ends. The answer is `Removed`."""

    connection: int
    branch: str


class Follow(msgspec.Struct, tag="follow", frozen=True):
    """The lines of a job with a number above `after`, those to come too."""

    job: int
    after: int = 0


class Accepted(msgspec.Struct, tag="accepted", frozen=True):
    """Git has the commit: its version may get traffic. The answer are the lines from there on."""

    workspace: str
    model: str
    branch: str
    commit: str


class BranchGone(msgspec.Struct, tag="branch_gone", frozen=True):
    """Git has removed a branch: its preview ends. The answer is `Removed`."""

    workspace: str
    model: str
    branch: str


class Removed(msgspec.Struct, tag="removed", frozen=True):
    previews: int


class Cancel(msgspec.Struct, tag="cancel", frozen=True):
    """The answer is `Ended`, or `Refused` where it is too late."""

    job: int


class Taken(msgspec.Struct, tag="taken", frozen=True):
    job: int
    is_new: bool = True


class Line(msgspec.Struct, tag="line", frozen=True):
    number: int
    text: str


class JobPrepared(msgspec.Struct, tag="prepared", frozen=True):
    """All but the switch is done; it waits for git."""

    job: int


class Ended(msgspec.Struct, tag="ended", frozen=True):
    job: int
    state: str
    """`succeeded`, `failed` or `cancelled`."""
    error: str | None = None


class Refused(msgspec.Struct, tag="refused", frozen=True):
    """What was asked for cannot be done."""

    reason: str


ToDeployer = Submit | Deliver | Follow | Accepted | BranchGone | UpstreamBranchGone | Cancel
FromDeployer = Taken | Line | JobPrepared | Ended | Removed | Refused

_encoder = msgspec.msgpack.Encoder()


def encode(message: ToDeployer | FromDeployer) -> bytes:
    """One frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


__all__ = [
    "Accepted",
    "BranchGone",
    "Cancel",
    "Deliver",
    "Ended",
    "Follow",
    "FrameReader",
    "FromDeployer",
    "JobPrepared",
    "Line",
    "Refused",
    "Removed",
    "Submit",
    "Taken",
    "ToDeployer",
    "encode",
]
