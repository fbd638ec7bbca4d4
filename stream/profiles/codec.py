"""Profiles as bytes: compact JSON, versioned, checked against the profile's own id."""

import base64
import binascii
import hashlib
from typing import Any

import msgspec
import zstandard

from stream.contracts.decode_errors import UNREADABLE
from stream.profiles.hour_histogram import HourHistogram
from stream.profiles.packing import COMPRESSED
from stream.profiles.profile import SCHEMA_VERSION, FeatureProfile, Profile, Source

LARGEST = 500_000_000
"""Bytes of JSON that compressed text may hold; garbage could say anything."""
_decoder = msgspec.json.Decoder(Profile)


class _Header(msgspec.Struct):
    schema_version: int = 0


def make_profile(
    *,
    model: str,
    version: int | str,
    source: Source,
    n_rows: int,
    features: tuple[FeatureProfile, ...],
    hours: tuple[HourHistogram, ...] | msgspec.UnsetType = msgspec.UNSET,
) -> Profile:
    """A profile of these series, its id filled in."""
    unnamed = Profile(id="", model=model, version=version, source=source, n_rows=n_rows, features=features, hours=hours)
    return msgspec.structs.replace(unnamed, id=content_id(unnamed))


def content_id(profile: Profile) -> str:
    """32 hexadecimal digits of SHA-256 over everything in the profile but its id."""
    content = msgspec.json.encode(msgspec.structs.replace(profile, id=""))
    return hashlib.sha256(content).hexdigest()[:32]


def encode_profile(profile: Profile) -> bytes:
    """The profile as JSON. Floats are written so that they read back bit for bit."""
    return msgspec.json.encode(profile)


def decode_profile(raw: bytes) -> Profile:
    """Read what `encode_profile` wrote.

    Raises:
        ValueError: when the bytes are no profile, are of another schema version, or were altered.
    """
    try:
        found = msgspec.json.decode(raw, type=_Header).schema_version
        profile = _decoder.decode(raw) if found == SCHEMA_VERSION else None
    except UNREADABLE as error:
        raise ValueError(f"not a profile: {error}; deploy the model again to make a new one") from error
    if profile is None:
        raise ValueError(
            f"the profile has schema version {found}, this Tidegate reads {SCHEMA_VERSION}: "
            "deploy the model again to make a new profile"
        )
    if content_id(profile) != profile.id:
        raise ValueError(f"profile {profile.id} does not match its content; deploy the model again")
    return profile


def unpack_profile(carried: Any) -> Profile:
    """Read what `pack_profile` made.

    Raises:
        ValueError: as `decode_profile`.
    """
    if not isinstance(carried, str):
        return decode_profile(msgspec.json.encode(carried))
    try:
        packed = base64.b64decode(carried.removeprefix(COMPRESSED), validate=True)
        size = zstandard.frame_content_size(packed)
        if not carried.startswith(COMPRESSED) or not 0 <= size <= LARGEST:
            raise ValueError("not a profile: neither JSON nor compressed")
        return decode_profile(zstandard.ZstdDecompressor().decompress(packed))
    except (binascii.Error, zstandard.ZstdError) as error:
        raise ValueError(f"not a profile: {error}") from error
