"""What the deployer and the supervisor tell each other of a candidate: one JSON object a line.

A candidate is a process in which a model is checked and which, when it is found well, becomes the first runner of its
deployment. The connection is its life: it ends with the deployer's process, however that ends, and the candidate with
it, unless the registry wants a deployment of its id by then.
"""

import msgspec

WORD_S = 600.0
"""For the files to be read and scanned, beside the time in which a model must load: each may take as long as that."""
MOST_BYTES = 64_000_000
"""Of one line: a folder may hold many files."""


class Start(msgspec.Struct, tag="start", frozen=True, kw_only=True):
    """Serve these files as the first runner of this deployment would; answered by Started or Declined."""

    deployment_id: str
    workspace: str
    model: str
    folder: str
    files: tuple[str, ...]
    """Paths within the folder. They become links of the candidate's own, so that the folder may go meanwhile."""
    libraries: tuple[str, ...] = ()
    """To be imported until the process is told that it may load the model."""
    first_imports: tuple[str, ...] = ()
    """What the folder's own Python imports before anything else of its own runs."""


class Keep(msgspec.Struct, tag="keep", frozen=True):
    """It may become the runner of a deployment of this artifact; answered by Kept or Ended."""

    sha256: str


class Leave(msgspec.Struct, tag="leave", frozen=True):
    """End it; answered by Ended."""


class Started(msgspec.Struct, tag="started", frozen=True, kw_only=True):
    folder: str
    """Where it has the files."""


class Declined(msgspec.Struct, tag="declined", frozen=True, kw_only=True):
    """It was not started."""

    reason: str


class Ended(msgspec.Struct, tag="ended", frozen=True, kw_only=True):
    """Its process is no more."""

    code: int
    said: str
    """The end of what it wrote."""
    out_of_memory: bool
    """Whether the kernel ended it for its limit."""


class Kept(msgspec.Struct, tag="kept", frozen=True):
    """It stays as it is, for its deployment to take it over."""


Order = Start | Keep | Leave
Answer = Started | Declined | Ended | Kept


def encode(message: Order | Answer) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode_order(line: bytes) -> Order:
    order: Order = msgspec.json.decode(line, type=Order)
    return order


def decode_answer(line: bytes) -> Answer:
    answer: Answer = msgspec.json.decode(line, type=Answer)
    return answer
