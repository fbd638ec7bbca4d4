"""What msgspec's decoders raise about bytes that they cannot read: one list, for bodies, frames and files."""

import msgspec

UNREADABLE: tuple[type[Exception], ...] = (
    msgspec.MsgspecError,
    ValueError,  # UnicodeDecodeError is one: invalid UTF-8 inside a string is no DecodeError to msgspec
    OverflowError,  # numbers and times beyond what their types hold
    RecursionError,  # values nested too deeply
    TypeError,  # a key of a map that cannot be one
)
"""Caught around a decoder and nothing else: around other code it would hide that code's mistakes."""
