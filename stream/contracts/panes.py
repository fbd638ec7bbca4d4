"""The contract of topic `feature.panes`: cumulative counts of one pane from one source partition.

A pane is `PANE_SECONDS` of event time of one deployment. Each source partition of `inference.events` counts it for
itself and writes it again, with more in it, while it is open: the newest (`as_of`) replaces the ones before, so writing
one twice is harmless. Events that arrive after the pane was closed start a new `segment`, which is added to the first.
"""

import msgspec

from stream.contracts import sealed

PANE_SECONDS = 10
LATENCY_BOUNDS_MS: tuple[float, ...] = tuple(round(0.1 * 10 ** (i / 12), 6) for i in range(73))
"""Upper bounds of the latency bins, 0.1 ms to 100 s, twelve a decade (each 21 % wider than the one before)."""


class Pane(sealed.Message, frozen=True, kw_only=True):
    """Identity: (topic_id, deployment_id, start, partition, segment). the higher `as_of` holds."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    profile_id: str | None
    """What `bins` count against; None while the reference is being learned."""
    start: int
    """Seconds since the epoch; a multiple of PANE_SECONDS."""
    topic_id: str
    """Incarnation of `inference.events` that the offsets below belong to."""
    partition: int
    segment: int
    """Offset of the first record in it."""
    as_of: int
    """Offset of the last record in it."""
    closed: bool
    """Nothing will be added any more."""
    closed_at: int
    """Offset whose time closed it; -1 while open. Closed panes leave in order (closed_at, start, segment)."""
    closes_at: float
    """The event time (seconds since the epoch) whose arrival closes it; panes of a partition close in its order."""
    newest_ts: str
    """The latest event time in it."""
    events: int
    """Instances, failed ones too."""
    requests: int
    failed: int
    """Instances with a status of 400 or more; they are in no histogram."""
    refused: int = 0
    """Those of them with a status below 500: mistakes of callers, of which the model knows nothing."""
    latency_bins: list[int]
    """Sparse: indices into LATENCY_BOUNDS_MS (the bin after the last is the overflow)."""
    latency_counts: list[int]
    """One per request, not per instance; none for those that were refused with 4xx."""
    latency_sum_ms: float
    bins: list[int]
    """Sparse: indices into the profile's flat layout, ascending."""
    counts: list[int]
    sums: list[float]
    """Sum of the values in each of `bins`."""
    sample: list[dict[str, object]] | None = None
    """Rows (series name to value) while the reference is being learned."""


_decoder = msgspec.json.Decoder(Pane)


def encode(pane: Pane) -> bytes:
    return sealed.encode(pane)


def decode(value: bytes) -> Pane:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no pane."""
    return sealed.decode(value, _decoder)
