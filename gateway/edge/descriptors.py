"""File descriptors: as many as may be, and how many of them connections may take."""

import resource

WANTED = 65_536
KEPT = 256
"""For everything that is no client's connection: Kafka, the registry, runners, git and its pipes."""


def room_for(connections: int) -> int:
    """So many connections, or as many as the process has descriptors for once its soft limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return connections
    return min(connections, max(16, soft - KEPT))
