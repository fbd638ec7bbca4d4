"""What the consumers wait for, as they say on /readyz: a partition that cannot land, a broker that is away."""

import httpx

from tidegate.cli.consumer_lag import TIMEOUT_S, consumer_ports
from tidegate.settings import Settings

_PREFIX = "waiting for "


def consumer_waits(settings: Settings) -> dict[str, str]:
    """By process; without those that wait for nothing, or do not answer."""
    found = {name: waits_for(port, TIMEOUT_S) for name, port in consumer_ports(settings).items()}
    return {name: reason for name, reason in found.items() if reason}


def waits_for(port: int, timeout_s: float) -> str:
    """Empty where it waits for nothing, or does not answer."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=timeout_s)
    except httpx.HTTPError:
        return ""
    return "" if answer.is_success else answer.text.strip().removeprefix(_PREFIX)
