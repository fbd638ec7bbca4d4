"""Counters of the server, for /metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class QueryCounters:
    """What has been asked, refused and lost since the start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry, prefix = self.registry, "tidegate_clickhouse"
        self._queries = Counter(f"{prefix}_queries", "Statements run, by kind", ["kind"], registry=registry)
        text = "Requests refused or failed, by ClickHouse's code"
        self._failures = Counter(f"{prefix}_failures", text, ["code"], registry=registry)
        text = "Requests given up without an answer, by reason"
        self._dropped = Counter(f"{prefix}_dropped", text, ["reason"], registry=registry)
        self.running = Gauge(f"{prefix}_running", "Queries that run or wait now", registry=registry)
        self.waiting = Gauge(f"{prefix}_waiting", "Requests that wait for a connection", registry=registry)

    def started(self, kind: str) -> None:
        """A statement of this kind begins to run."""
        self._queries.labels(kind).inc()

    def failed(self, code: int) -> None:
        """A request ended with this ClickHouse code."""
        self._failures.labels(str(code)).inc()

    def dropped(self, reason: str) -> None:
        """A request was given up for this reason."""
        self._dropped.labels(reason).inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
