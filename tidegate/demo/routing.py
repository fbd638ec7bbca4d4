"""Waits until the gateway sends a deployment its traffic: it learns of a switch a moment after the registry."""

import time

import httpx

from tidegate.demo.training import DemoError

ROUTE_S = 15.0
EVERY_S = 0.1


def await_route(gateway_url: str, deployment_id: str) -> None:
    """Return when the deployment takes traffic.

    Raises:
        DemoError: it does not within ROUTE_S.
    """
    end = time.monotonic() + ROUTE_S
    reason = "it names others"
    while time.monotonic() < end:
        try:
            answer = httpx.get(f"{gateway_url}/v1/models", timeout=5.0, trust_env=False).raise_for_status()
            if any(live["deployment_id"] == deployment_id for live in answer.json()["models"]):
                return
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
        time.sleep(EVERY_S)
    raise DemoError(f"The gateway does not serve deployment {deployment_id} ({reason}): see `tidegate logs gateway`.")
