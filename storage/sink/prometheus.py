"""Every Prometheus metric of the sink."""

from prometheus_client import Counter, Gauge, Histogram

ROWS = Counter("tidegate_sink_rows_total", "Rows landed in ClickHouse.", ["topic"])
BYTES = Counter("tidegate_sink_bytes_total", "Bytes of rows landed in ClickHouse.", ["topic"])
INSERTS = Counter("tidegate_sink_inserts_total", "Inserts that landed.", ["topic"])
INSERT_SECONDS = Histogram(
    "tidegate_sink_insert_seconds",
    "Duration of an insert and of reading its position back.",
    ["topic"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REJECTED = Counter("tidegate_sink_rejected_total", "Lines that were not landed, by reason.", ["topic", "reason"])
FAILURES = Counter(
    "tidegate_sink_failures_total",
    "Attempts that failed and are repeated: `clickhouse` (away or refusing), `unlisted` (refusing with a code "
    "of which nobody said whether it is about the data), `kafka` (topics could not be described), "
    "`token_used` (deduplicated without landing), `unexpected`.",
    ["topic", "reason"],
)
OVERTAKEN = Counter(
    "tidegate_sink_overtaken_total", "Inserts that found another sink's rows in their place.", ["topic"]
)
GAPS = Counter(
    "tidegate_sink_gap_offsets_total", "Offsets that the topic did not have (retention, compaction).", ["topic"]
)
LOST = Counter(
    "tidegate_sink_lost_records_total",
    "Records read but not landed because their topic was deleted or made again meanwhile.",
    ["topic"],
)
AHEAD = Counter(
    "tidegate_sink_position_ahead_total", "Partitions found to end before what ClickHouse holds.", ["topic"]
)
LAG = Gauge("tidegate_sink_lag_records", "Records that stand in the topic and are not landed.", ["topic", "partition"])
BUFFERED = Gauge("tidegate_sink_buffered_bytes", "Bytes read and not yet landed, over all partitions.")
