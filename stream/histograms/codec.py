"""Histograms as compact bytes: little-endian arrays in the smallest integers that hold them."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.contracts.decode_errors import UNREADABLE
from stream.histograms.histogram import Histogram, from_sparse

_WIDTHS = ("<u1", "<u2", "<u4", "<u8")


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """`steps` are the differences between consecutive held bins; `sums` float64, the others unsigned."""

    size: int
    rows: int
    step_width: int
    steps: bytes
    count_width: int
    counts: bytes
    sums: bytes
    invalid: tuple[int, ...]


_decoder = msgspec.msgpack.Decoder(_Packed)


def pack(histogram: Histogram) -> bytes:
    """The histogram as bytes, exact: integers as they are, floats bit for bit (but -0.0 reads as 0.0)."""
    held = np.flatnonzero((histogram.counts != 0) | (histogram.sums != 0))
    step_width, steps = _narrow(np.diff(held, prepend=0))
    count_width, counts = _narrow(histogram.counts[held])
    return msgspec.msgpack.encode(
        _Packed(
            size=len(histogram.counts),
            rows=histogram.rows,
            step_width=step_width,
            steps=steps,
            count_width=count_width,
            counts=counts,
            sums=histogram.sums[held].astype("<f8").tobytes(),
            invalid=tuple(histogram.invalid.tolist()),
        )
    )


def unpack(raw: bytes) -> Histogram:
    """Read what `pack` wrote. Raises ValueError when the bytes are no histogram."""
    try:
        packed = _decoder.decode(raw)
    except UNREADABLE as error:
        raise ValueError(f"not a packed histogram: {error}") from error
    try:
        bins = np.cumsum(np.frombuffer(packed.steps, _WIDTHS[packed.step_width]).astype(np.int64))
        counts = np.frombuffer(packed.counts, _WIDTHS[packed.count_width]).astype(np.int64)
    except (ValueError, IndexError) as error:
        raise ValueError(f"not a packed histogram: {error}") from error
    sums = np.frombuffer(packed.sums, "<f8")
    sparse = (bins.tolist(), counts.tolist(), sums.tolist())
    return from_sparse(packed.size, sparse, rows=packed.rows, invalid=packed.invalid)


def _narrow(values: NDArray[np.int64]) -> tuple[int, bytes]:
    largest = int(values.max()) if len(values) else 0
    width = next(number for number in range(4) if largest < 1 << (8 << number))
    return width, values.astype(_WIDTHS[width]).tobytes()
