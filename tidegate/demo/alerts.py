"""Which of the delivered alerts is the one that the demo waits for. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tidegate.demo.findings import Delivery

DRIFT_RULE = "significant-drift"


def first_alert(deliveries: Iterable[Delivery], changed_at: float | None) -> Delivery | None:
    """The first drift alert that rests on rows sent at `changed_at` (seconds since the epoch) or later."""
    return next((one for one in deliveries if _fires(one.alert) and not _is_early(one.alert, changed_at)), None)


def early_alerts(deliveries: Iterable[Delivery], changed_at: float | None) -> list[Delivery]:
    """Drift alerts that rest on rows before it alone: false alarms."""
    return [one for one in deliveries if _fires(one.alert) and _is_early(one.alert, changed_at)]


def _fires(alert: dict[str, Any]) -> bool:
    return alert.get("rule") == DRIFT_RULE and alert.get("state") == "firing"


def _is_early(alert: dict[str, Any], changed_at: float | None) -> bool:
    return changed_at is None or datetime.fromisoformat(str(alert["newest_ts"])).timestamp() < changed_at
