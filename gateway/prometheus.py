"""Every metric of the gateway, in one place."""

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

# Prediction requests by model and outcome. Model "" stands for names that no model has.
REQUESTS = Counter("tidegate_requests_total", "Prediction requests", ("workspace", "model", "status"))
# Whole request in the gateway, from its first byte to its last. Seconds.
REQUEST_SECONDS = Histogram(
    "tidegate_request_seconds", "Time of a prediction request", ("workspace", "model"), buckets=_LATENCY_BUCKETS
)
# The model's share of it, as the runner measured it (one batch may serve many requests). Seconds.
MODEL_SECONDS = Histogram(
    "tidegate_model_seconds", "Time of a batch in the model", ("workspace", "model"), buckets=_LATENCY_BUCKETS
)
# Copies of requests for shadows. outcome: answered, failed, dropped (too many were under way).
SHADOW_COPIES = Counter(
    "tidegate_shadow_copies_total", "Copies of requests for shadows", ("workspace", "model", "outcome")
)
# From the first request for a deployment that sleeps until its runner is ready. Seconds.
COLD_START_SECONDS = Histogram(
    "tidegate_cold_start_seconds",
    "Time from a request for a model without a runner until one is ready",
    ("workspace", "model"),
    buckets=(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0),
)
# reason: queue_full (too many wait already), timeout.
COLD_START_REFUSALS = Counter(
    "tidegate_cold_start_refusals_total",
    "Requests refused while a runner was started for them",
    ("workspace", "model", "reason"),
)
# Sent by a web page, or to a host name that is not ours.
FOREIGN_REQUESTS = Counter("tidegate_foreign_requests_total", "Requests refused because a web page sent them")
# Connections to runners that were closed since what came on them was no answer: garbage, answers that nobody asked for,
# answers of another length.
RUNNER_LIES = Counter(
    "tidegate_runner_lies_total", "Connections closed for what no runner sends", ("workspace", "model")
)
# Instances predicted.
INSTANCES = Counter("tidegate_instances_total", "Instances predicted", ("workspace", "model"))

# Events taken for Kafka, and what became of them: accepted = acknowledged + dropped + buffered.
EVENTS_ACCEPTED = Counter("tidegate_events_accepted_total", "Events handed to the emitter")
EVENTS_ACKED = Counter("tidegate_events_acked_total", "Events that the broker acknowledged")
# reason: buffer_full (Kafka away or too slow), too_large, delivery_failed, shutdown (the flush ran out of time).
EVENTS_DROPPED = Counter("tidegate_events_dropped_total", "Events lost on the way to Kafka", ("reason",))
# reason: mask_failed, too_large. The event went out without its features.
FEATURES_DROPPED = Counter("tidegate_features_dropped_total", "Events sent without their features", ("reason",))
# Records (of 1..N events) by outcome: acked, failed.
RECORDS = Counter("tidegate_event_records_total", "Kafka records of events", ("outcome",))
# Bytes gathered or on their way to Kafka, against the setting emit_buffer_bytes.
EMIT_BUFFER_BYTES = Gauge("tidegate_emit_buffer_bytes", "Bytes of events not yet acknowledged")
# Each time that events waited and none was acknowledged for 3 s; the topic's log is looked at then.
EVENT_STALLS = Counter("tidegate_event_stalls_total", "Times that no event was acknowledged for 3 s while some waited")
# Errors that librdkafka reported (the broker is away, and so on).
KAFKA_ERRORS = Counter("tidegate_kafka_errors_total", "Errors reported by the Kafka client")

# Refreshes of the route table that worked.
ROUTE_REFRESHES = Counter("tidegate_route_refreshes_total", "Refreshes of the route table")
# Refreshes of the route table that failed; the table known before is served on.
ROUTE_REFRESH_FAILURES = Counter("tidegate_route_refresh_failures_total", "Failed refreshes of the route table")
# Seconds since the last refresh that worked.
ROUTES_AGE = Gauge("tidegate_routes_age_seconds", "Age of the route table")

# Tries to enter with a wrong token or signature. door: management, git, github; outcome: refused (401), limited (429).
FAILED_TRIES = Counter("tidegate_failed_tries_total", "Wrong tokens and signatures", ("door", "outcome"))


# Bodies that were not held. door: predict, github; reason: full (TIDEGATE_BODY_BUFFER_BYTES, 503), gave_way
# (one that came slowly, while others wanted its room, 503).
BODIES_REFUSED = Counter("tidegate_bodies_refused_total", "Request bodies that were not held", ("door", "reason"))


def forget_model(workspace: str, model: str) -> None:
    """Nothing of it is served any more: a preview that is over, or the last version of a model."""
    for metric in (
        REQUESTS,
        REQUEST_SECONDS,
        MODEL_SECONDS,
        SHADOW_COPIES,
        COLD_START_SECONDS,
        COLD_START_REFUSALS,
        RUNNER_LIES,
        INSTANCES,
    ):
        metric.remove_by_labels({"workspace": workspace, "model": model})
