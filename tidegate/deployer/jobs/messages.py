"""What the deployer and the process that does a job's work tell each other: one JSON object a line."""

from typing import Any

import msgspec


class Prepare(msgspec.Struct, tag="prepare", frozen=True, kw_only=True):
    """Do everything but the switch; the answer ends with `IsPrepared` or `HasFailed`."""

    folder: str
    received_s: float
    workspace: str
    model: str
    deployment_id: str
    url: str
    preview_of: str | None = None
    """Branch that it is to be the preview of; None puts it into production."""


class Switch(msgspec.Struct, tag="switch", frozen=True, kw_only=True):
    """Give it the traffic; the answer ends with `IsLive` or `HasFailed`."""

    deployment_id: str


class StageIsDone(msgspec.Struct, tag="stage", frozen=True, kw_only=True):
    name: str
    seconds: float
    detail: str = ""


class IsSaid(msgspec.Struct, tag="line", frozen=True, kw_only=True):
    """What a long stage is at."""

    line: str


class IsPrepared(msgspec.Struct, tag="prepared", frozen=True, kw_only=True):
    version: int
    closing: list[str]
    """To be said once it is live."""


class IsLive(msgspec.Struct, tag="live", frozen=True):
    """It has the traffic."""


class HasFailed(msgspec.Struct, tag="failed", frozen=True, kw_only=True):
    stage: str
    reason: str
    can_pass: bool
    """Whether to try it again may help."""


Order = Prepare | Switch
Answer = StageIsDone | IsSaid | IsPrepared | IsLive | HasFailed


def encode(message: Order | Answer) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode_order(line: bytes) -> Order:
    order: Order = msgspec.json.decode(line, type=Order)
    return order


def decode_answer(line: bytes) -> Answer:
    answer: Answer = msgspec.json.decode(line, type=Answer)
    return answer


def values(message: IsPrepared) -> dict[str, Any]:
    """As the registry keeps it."""
    return {"version": message.version, "closing": message.closing}
