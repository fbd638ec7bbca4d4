"""What a server is started with."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ClickHouseServerConfig:
    """Everything that a server needs to know; one process, one folder, one port.

    Sizes are in bytes, durations in seconds.
    """

    path: Path
    """The chDB folder. Made when absent; owned by this process while it runs."""
    port: int = 8123
    """TCP port; 0 takes a free one, which the ready line names."""
    host: str = "127.0.0.1"
    """Address to bind. There is no TLS: leave it on the loopback."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which it may be asked beside the loopback's and `host`."""

    max_connections: int = 4
    """Queries of full users that run side by side (inserts included)."""
    max_readonly_connections: int = 4
    """Queries of read-only users, and GET requests, that run side by side."""
    max_waiting: int = 64
    """Requests a pool lets wait for a connection; the next one is refused with code 202."""
    max_wait_s: float = 30.0
    """How long a request waits for a connection before it is refused with code 202."""

    max_sessions: int = 64
    """Sessions (session_id) that have settings or temporary tables of their own; one more gets code 700."""

    user: str = "default"
    """Name of the user that may do everything."""
    password: str = ""
    """Its password; empty accepts any."""
    readonly_user: str = "readonly"
    """Name of the user that may only read."""
    readonly_password: str = ""
    """Its password; empty accepts any."""
    allow_external_access: bool = False
    """Whether SQL may reach outside the database: file(), url(), s3(), executable(), remote() and the like."""

    max_body_bytes: int = 1024 * MIB
    """Largest request body, before and after decompression."""
    body_memory_bytes: int = 16 * MIB
    """A body above this size waits in a temporary file instead of in memory."""
    response_buffer_bytes: int = MIB
    """Result bytes held back before the headers go out, so that an early error still gets its status; in Native one
    block, unless buffer_size asks for more."""
    result_spool_bytes: int = 1024 * MIB
    """The same for wait_end_of_query=1; a longer result is then streamed after all."""

    max_server_memory_bytes: int = 0
    """Memory at which the engine refuses queries (code 241); 0 is 60 % of the machine."""
    mark_cache_bytes: int = 32 * MIB
    """Cache of the tables' marks; each engine cache is held to this size."""
    merge_threads: int = 2
    """Merges and mutations that run side by side, at low priority."""
    keep_free_bytes: int = 64 * MIB
    """Room on the disk that inserts and merges leave (code 243): a merge that runs out of it leaves an empty part."""
    query_threads: int = 2
    """Threads of one query, unless it sets max_threads."""
    idle_purge_s: float = 5.0
    """After this long without a query, freed memory is given back to the system."""

    max_client_connections: int = 256
    """Connections that clients hold open. One more ends those that have been idle for longest."""
    client_stall_s: float = 300.0
    """How long a client may take none of its result, or send none of its body, before it is given up."""
    shutdown_s: float = 20.0
    """How long running queries may go on after SIGTERM before they are killed."""
