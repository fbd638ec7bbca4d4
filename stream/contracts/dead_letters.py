"""The contract of topic `dead.letters`: what could not be read, why, and where it stands."""

import base64
from enum import StrEnum

import msgspec

from stream.contracts import sealed
from stream.contracts.timestamps import to_text

DETAIL_CHARS = 300
"""Of what an unforeseen error says."""
KEPT_BYTES = 4096
"""Enough to see what it was; the whole stands in the source topic at the offset given."""


class Reason(StrEnum):
    """Why something could not be counted."""

    NOT_JSON = "not_json"
    WRONG_TYPE = "wrong_type"
    WRONG_CHECKSUM = "wrong_checksum"
    """A message of our own topics is not the one that was written (stream/contracts/sealed.py)."""
    UNKNOWN_DEPLOYMENT = "unknown_deployment"
    ENDED_DEPLOYMENT = "ended_deployment"
    FUTURE_TS = "future_ts"
    ANCIENT_TS = "ancient_ts"
    TOO_LARGE = "too_large"
    NOT_FINITE = "not_finite"
    REFUSED_BY_CLICKHOUSE = "refused_by_clickhouse"
    SET_ASIDE = "set_aside"
    """Its reader failed with it twice, in a way that nobody foresaw; `detail` says how."""


class DeadLetter(sealed.Message, frozen=True, kw_only=True):
    """One line of one record that could not be read (`line` from 0; -1: the whole record)."""

    ts: str
    topic: str
    partition: int
    offset: int
    line: int
    reason: str
    detail: str
    size: int
    """Bytes of what could not be read."""
    head: str
    """Its first KEPT_BYTES, base64."""
    reader: str
    """Who could not read it."""


def letter_for(
    raw: bytes,
    *,
    ts: float,
    topic: str,
    partition: int,
    offset: int,
    line: int,
    reason: Reason,
    detail: str,
    reader: str,
) -> DeadLetter:
    """The letter for bytes that could not be read at `ts` (seconds since the epoch)."""
    return DeadLetter(
        ts=to_text(ts),
        topic=topic,
        partition=partition,
        offset=offset,
        line=line,
        reason=reason.value,
        detail=detail[:1000],
        size=len(raw),
        head=base64.b64encode(raw[:KEPT_BYTES]).decode(),
        reader=reader,
    )


def key_of(letter: DeadLetter) -> str:
    """What was set aside is keyed by what the alert about it is about, so that one partition holds all of it."""
    if letter.reason == Reason.SET_ASIDE:
        return f"{letter.reader}/{letter.topic}"
    return f"{letter.partition}/{letter.offset}"


def reason_of(error: Exception, otherwise: Reason) -> Reason:
    """Why a message cannot be read, by what its decoder raised."""
    return Reason.WRONG_CHECKSUM if isinstance(error, sealed.WrongChecksumError) else otherwise


_decoder = msgspec.json.Decoder(DeadLetter)


def encode(letter: DeadLetter) -> bytes:
    return sealed.encode(letter)


def decode(value: bytes) -> DeadLetter:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no dead letter."""
    return sealed.decode(value, _decoder)
