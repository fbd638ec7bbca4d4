"""How far the consumers are behind, as they say themselves on /metrics."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tidegate.parts.monitor_ports import NOTIFIER_OFFSET, SINK_OFFSET, STREAM_OFFSET
from tidegate.settings import Settings

TIMEOUT_S = 1.0


def consumer_lag(settings: Settings) -> dict[str, int]:
    """Records that each consumer has not read yet, by process; without those that do not answer."""
    found = {name: _lag(port) for name, port in consumer_ports(settings).items()}
    return {name: lag for name, lag in found.items() if lag is not None}


def consumer_ports(settings: Settings) -> dict[str, int]:
    """Where each consumer of this machine answers for itself, by process."""
    offsets = {"sink": SINK_OFFSET, "notifier": NOTIFIER_OFFSET}
    offsets |= {f"stream-{index}": STREAM_OFFSET + index for index in range(settings.stream_workers)}
    return {name: settings.monitor_port + offset for name, offset in offsets.items()}


def _lag(port: int) -> int | None:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S)
        samples = [
            sample.value
            for family in text_string_to_metric_families(answer.text)
            if family.name.endswith("lag_records") or family.name.endswith("_lag")
            for sample in family.samples
        ]
    except (httpx.HTTPError, ValueError):
        return None
    return int(sum(samples)) if samples else None
