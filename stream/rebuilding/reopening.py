"""Alerts that fired when their topic ended, open again as the rule engine keeps them. Pure."""

from collections.abc import Iterable, Sequence

import structlog

from stream.alerting.rule_engine import OpenAlert, fires, holds
from stream.alerting.rules import SEED_RULES, Rule
from stream.contracts.alerts import Alert
from stream.contracts.metrics import ServiceMetric
from stream.contracts.timestamps import to_seconds

log = structlog.get_logger()


def waiting_rules(rules: Sequence[Rule] = SEED_RULES) -> list[Rule]:
    """Rules that resolve only after a calm, whose beginning has to be found again."""
    return [rule for rule in rules if rule.resolve_after_s > 0]


def reopen(
    firing: Iterable[Alert], service: Iterable[ServiceMetric], rules: Sequence[Rule] = SEED_RULES
) -> dict[str, OpenAlert]:
    """The engine's open alerts, by its keys.

    It is not known in which of a rule's windows an alert fired last, so it is taken to fire in all of them: the next
    evaluation takes those away that are calm, before it could resolve anything that still fires.

    Args:
        firing: of two with the same rule, deployment and series the later one holds.
        service: the last service metrics of the alerts' deployments, the oldest first.
    """
    known = {rule.name: rule for rule in rules}
    past = list(service)
    found: dict[str, OpenAlert] = {}
    for alert in firing:
        rule = known.get(alert.rule)
        if rule is None:
            log.warning("alert.of_no_rule", rule=alert.rule, alert=alert.alert_id)
            continue
        own = [metric for metric in past if metric.deployment_id == alert.deployment_id]
        calm = _calm_since(rule, own) if rule.resolve_after_s > 0 else {}
        found[f"{alert.rule}/{alert.deployment_id}/{alert.series}"] = OpenAlert(
            alert=alert, firing_windows=set(rule.windows), calm_since=calm
        )
    return found


def _calm_since(rule: Rule, metrics: Iterable[ServiceMetric]) -> dict[str, float]:
    """By window: since when its `resolve` conditions hold, up to the last metric."""
    calm: dict[str, float] = {}
    for metric in metrics:
        if metric.window not in rule.windows:
            continue
        if fires(rule, metric) or not all(holds(condition, metric) for condition in rule.resolve):
            calm.pop(metric.window, None)
        else:
            calm.setdefault(metric.window, to_seconds(metric.window_end))
    return calm
