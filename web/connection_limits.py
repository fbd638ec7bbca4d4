"""How long clients may take over what they send and read, and how many of them there may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionLimits:
    """Of all connections of one process."""

    most: int = 1_000
    """One more ends those that have been idle for longest; where none is idle, those whose bodies come slowly; where
    there is none of these either it is refused with 503."""
    head_s: float = 15.0
    """From connecting, or from a request's first byte, until its headers are complete."""
    body_s: float = 30.0
    """In each such period a body brings at least `least_bytes`, and a client takes as much of its answer."""
    least_bytes: int = 1_000
    """So little that only who has stopped is below it: the slowest lines bring some 100 bytes a second. Who holds a
    connection so gives it up as soon as another needs it."""
    hurried_s: float = 5.0
    """Where all connections are in use, a body that took longer than this keeps its own only while it has come with
    `hurried_bytes_a_second`."""
    hurried_bytes_a_second: int = 5_000
    keep_alive_s: float = 75.0
    """Between two requests. Longer than the 60 s after which proxies and clients' pools give up a connection."""
    head_bytes: int = 65_536
    """Of a request's line and headers together; the same for what stands between the pieces of a body."""
    look_s: float = 1.0
    """Between two looks at all connections."""
