"""What an alert says to a person: one sentence of what moved and how sure, and what to do next."""

from stream.alerting.rules import Rule
from stream.contracts.metrics import DriftMetric, MovedBucket, ServiceMetric
from stream.windows.decision import CHANNEL_NAMES

MOST_NAME = 120
"""Characters of a category's or a feature's name in a sentence."""


def summary(rule: Rule, metric: DriftMetric | ServiceMetric) -> str:
    """From what to what, over how many rows, how certain."""
    if isinstance(metric, DriftMetric):
        return _drift_summary(metric)
    return _service_summary(rule, metric)


def _service_summary(rule: Rule, metric: ServiceMetric) -> str:
    where = f"{metric.model} v{metric.version}"
    if rule.name == "latency":
        baseline = metric.baseline_p95_ms or 0.0
        return (
            f"{where}: p95 latency {metric.latency_p95_ms:.0f} ms in the last {metric.window}, "
            f"its baseline is {baseline:.0f} ms ({metric.requests - metric.refused_requests} requests)"
        )
    if rule.name == "client-error-rate":
        return (
            f"{where}: {metric.client_error_rate:.1%} of requests were refused with 4xx in the last {metric.window} "
            f"({metric.refused_requests} of {metric.requests}): mistakes of callers, not of the model"
        )
    if rule.name == "error-rate":
        return (
            f"{where}: {metric.error_rate:.1%} of predictions failed with 5xx in the last {metric.window} "
            f"({metric.unanswered} of {metric.asked} instances that were not refused)"
        )
    value = getattr(metric, rule.value)
    return f"{where}: {rule.value} {value:.4g} in the last {metric.window}, threshold {rule.threshold:.4g}"


def next_steps(rule: Rule, metric: DriftMetric | ServiceMetric) -> list[str]:
    """What to look at, the likeliest first."""
    if isinstance(metric, ServiceMetric):
        if rule.name == "client-error-rate":
            return [
                "See which mistakes: the column error of the table inference_events, status 400 to 499",
                "Compare what callers send with the model's schema: GET /v1/models",
                "If a new version asks for other features than the one before: tell its callers, or roll back",
            ]
        look = f"tidegate logs -f   (the runner of {metric.deployment_id})"
        if rule.name == "latency":
            return [
                look,
                "Compare the request rate with before: table service_metrics, column rate",
                "Cut the load, or make the model faster",
            ]
        if rule.name == "error-rate":
            errors = "See which errors: the column error of the table inference_events"
            return [look, errors, "Deploy the version before"]
        return [look, f"Compare with before: table service_metrics, column {rule.value}"]
    steps = [f"See every window: tidegate drift {metric.model}"]
    if "missing" in metric.channels:
        steps.append(f"Ask who sends {metric.series!r}: it is missing more often than in the reference")
    elif "unseen" in metric.channels:
        steps.append(f"Check the encoding of {metric.series!r}: categories arrive that the reference did not have")
    elif "out_of_range" in metric.channels:
        steps.append(f"Check the unit of {metric.series!r}: values arrive outside the reference's range")
    else:
        steps.append(f"Check what feeds {metric.series!r}: its unit, its source, a market or season that changed")
    steps.append("If the change is real and meant to stay: retrain, and deploy with the new reference")
    return steps


def _drift_summary(metric: DriftMetric) -> str:
    names = ", ".join(CHANNEL_NAMES[c] for c in CHANNEL_NAMES if c in metric.channels) or "drift"
    where = f"{metric.model} v{metric.version}, {metric.role} {_shown(metric.series)}"
    text = (
        f"{where}: {names}; PSI {metric.psi:.2f} in the last {metric.window} "
        f"({metric.n} rows; noise stays below {metric.psi_noise:.2f}, p = {metric.g_p:.0e})"
    )
    if metric.mean is not None and metric.reference_mean is not None:
        text += f"; mean {metric.reference_mean:.4g} → {metric.mean:.4g}"
    return text + (f"; {moved_text(metric.moved[0])}" if metric.moved else "")


def moved_text(bucket: MovedBucket) -> str:
    """`"above 5": 0 % → 12 %`"""
    return f"“{_shown(bucket.label)}” {bucket.reference:.0%} → {bucket.window:.0%}"


def _shown(name: str) -> str:
    """A category or a feature as data named it, on the line of a summary: whoever gets it may show it as it is."""
    short = name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in short)
