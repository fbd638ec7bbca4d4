"""Waits until the gateway sends a deployment its traffic: it learns of a switch a moment after the registry."""

import time

import httpx

EVERY_S = 0.05


def await_route(gateway_url: str, deployment_id: str, timeout_s: float) -> str | None:
    """Return when the deployment takes traffic; why it does not where that takes too long."""
    deadline = time.monotonic() + timeout_s
    while True:
        trouble = _trouble(gateway_url, deployment_id)
        if trouble is None or time.monotonic() > deadline:
            return trouble
        time.sleep(EVERY_S)


def _trouble(gateway_url: str, deployment_id: str) -> str | None:
    try:
        answer = httpx.get(f"{gateway_url}/v1/models", timeout=5.0, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    routed = answer.json()
    known = (live["deployment_id"] for live in [*routed["models"], *routed["previews"]])
    return None if deployment_id in known else "it names other deployments"
