"""Prometheus metrics of every process that listens."""

from prometheus_client import Counter

# Connections that the server ended. reason: idle, head_timeout, body_timeout, answer_timeout (a client that reads
# nothing), too_large (headers), too_many (more than TIDEGATE_MAX_CONNECTIONS), too_slow (a body,
# while all were in use).
CONNECTIONS_ENDED = Counter("tidegate_connections_ended_total", "Connections that the server ended", ("reason",))
