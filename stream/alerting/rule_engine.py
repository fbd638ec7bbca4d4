"""Rules over metrics to changes of alerts. Pure; the same metrics again make the same changes with the same ids."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import msgspec
from scipy.special import bdtrc

from stream.alerting.rules import ALERTING_ROLES, SEED_RULES, Condition, Rule
from stream.alerting.text import next_steps, summary
from stream.contracts.alerts import Alert
from stream.contracts.metrics import DriftMetric, ServiceMetric
from stream.contracts.timestamps import to_seconds, to_text
from stream.intake.endings import Ending

Metric = DriftMetric | ServiceMetric
_NAMESPACE = uuid.UUID("6f0d2c1e-4c57-5f3a-9a43-1d1f6f0f7a11")
_OPERATORS = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}


class OpenAlert(msgspec.Struct, kw_only=True):
    """An alert that fires."""

    alert: Alert
    firing_windows: set[str]
    """The windows whose conditions hold, or have not been resolved yet."""
    calm_since: dict[str, float] = {}
    """By window: event time (seconds) since which its `resolve` conditions hold."""


class RuleEngine(msgspec.Struct, kw_only=True):
    """Mutable state of one partition's alerts, by rule, deployment and series."""

    open: dict[str, OpenAlert] = {}

    def apply(self, metric: Metric, rules: Sequence[Rule] = SEED_RULES) -> Iterator[Alert]:
        """Changes of state that a metric causes."""
        source = "drift" if isinstance(metric, DriftMetric) else "service"
        for rule in rules:
            if rule.source == source and metric.window in rule.windows:
                change = self._apply_rule(rule, metric)
                if change is not None:
                    yield change

    def end(self, ended: Mapping[str, Ending], now: str) -> list[Alert]:
        """Resolve all alerts of deployments that ended. `now`: RFC 3339, for endings that nobody knows the time of."""
        keys = [key for key, item in self.open.items() if item.alert.deployment_id in ended]
        alerts = [self.open.pop(key).alert for key in keys]
        return [ended_with(alert, ended[alert.deployment_id], now) for alert in alerts]

    def _apply_rule(self, rule: Rule, metric: Metric) -> Alert | None:
        key = f"{rule.name}/{metric.deployment_id}/{series_of(metric)}"
        current = self.open.get(key)
        if fires(rule, metric):
            if current is None:
                if metric.deployment_role not in ALERTING_ROLES:
                    return None
                alert = make_alert(rule, metric)
                self.open[key] = OpenAlert(alert=alert, firing_windows={metric.window})
                return alert
            current.firing_windows.add(metric.window)
            current.calm_since.pop(metric.window, None)
        elif current is not None and metric.window in current.firing_windows:
            return self._calm(key, current, rule, metric)
        return None

    def _calm(self, key: str, current: OpenAlert, rule: Rule, metric: Metric) -> Alert | None:
        if not all(holds(condition, metric) for condition in rule.resolve):
            current.calm_since.pop(metric.window, None)
            return None
        end = to_seconds(metric.window_end)
        if end - current.calm_since.setdefault(metric.window, end) < rule.resolve_after_s:
            return None
        current.firing_windows.discard(metric.window)
        if current.firing_windows:
            return None
        del self.open[key]
        return resolved(current.alert, rule, metric)


def fires(rule: Rule, metric: Metric) -> bool:
    """All conditions hold, and surely enough."""
    if not all(holds(condition, metric) for condition in rule.fire):
        return False
    return rule.certainty is None or certainty(rule, metric) <= rule.certainty


def holds(condition: Condition, metric: Metric) -> bool:
    found: Any = getattr(metric, condition.field)
    bound: Any = condition.value
    if condition.other is not None:
        other = getattr(metric, condition.other)
        if other is None:
            return False
        bound = condition.factor * other + condition.value
    return found is not None and bool(_OPERATORS[condition.operator](found, bound))


def certainty(rule: Rule, metric: Metric) -> float:
    """P(at least as many hits | the true share is the threshold): the upper tail of the binomial."""
    hits = getattr(metric, rule.hits)
    return float(bdtrc(hits - 1, getattr(metric, rule.trials), rule.threshold)) if hits else 1.0


def series_of(metric: Metric) -> str:
    return metric.series if isinstance(metric, DriftMetric) else ""


def make_alert(rule: Rule, metric: Metric) -> Alert:
    """The `firing` of a new episode. Its id follows from what fired and since when, in event time."""
    drift = metric if isinstance(metric, DriftMetric) else None
    since = (drift.since if drift else None) or metric.newest_ts or metric.window_end
    series = series_of(metric)
    alert_id = str(uuid.uuid5(_NAMESPACE, f"{rule.name}/{metric.deployment_id}/{series}/{since}"))
    return Alert(
        alert_id=alert_id,
        change_id=str(uuid.uuid5(_NAMESPACE, f"{alert_id}/firing")),
        rule=rule.name,
        state="firing",
        severity=rule.severity,
        ts=metric.ts,
        since=since,
        workspace=metric.workspace,
        model=metric.model,
        version=metric.version,
        deployment_id=metric.deployment_id,
        series=series,
        window=metric.window,
        summary=summary(rule, metric),
        value=float(getattr(metric, rule.value)),
        threshold=rule.threshold,
        n=drift.n if drift else int(getattr(metric, rule.trials or "events")),
        p_value=drift.g_p if drift else certainty(rule, metric) if rule.certainty else None,
        noise_floor=drift.psi_noise if drift else None,
        channels=list(drift.channels) if drift else [],
        moved=list(drift.moved) if drift else [],
        next_steps=next_steps(rule, metric),
        newest_ts=metric.newest_ts,
    )


def resolved(alert: Alert, rule: Rule, metric: Metric) -> Alert:
    """The end of an episode: the same alert, with what is measured now."""
    current = make_alert(rule, metric)
    return msgspec.structs.replace(
        current,
        alert_id=alert.alert_id,
        change_id=str(uuid.uuid5(_NAMESPACE, f"{alert.alert_id}/resolved")),
        state="resolved",
        since=alert.since,
        channels=[],
        summary=f"Resolved: {current.summary}",
        next_steps=[],
    )


def ended_with(alert: Alert, ending: Ending, now: str) -> Alert:
    """The end of an episode with its deployment. It follows from the two alone, so a repetition is the same record."""
    where = f"{alert.model} v{alert.version}"
    return msgspec.structs.replace(
        alert,
        change_id=str(uuid.uuid5(_NAMESPACE, f"{alert.alert_id}/resolved")),
        state="resolved",
        ts=max(ending.ts or now, _just_after(alert.ts)),
        channels=[],
        summary=f"Resolved: {where} ended, {ending.reason}. It was firing: {alert.summary}",
        next_steps=[],
        resolution=ending.reason,
    )


def _just_after(ts: str) -> str:
    """The newest change of an alert is what holds, so the last must be later."""
    try:
        return to_text(to_seconds(ts) + 1e-5)
    except (ValueError, OverflowError):
        return ""
