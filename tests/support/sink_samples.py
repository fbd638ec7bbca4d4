"""One valid message of every topic that the sink lands."""

from datetime import UTC, datetime

import msgspec

from gateway.events import InferenceEvent, encode_record
from stream.contracts import alerts, dead_letters, deployments, metrics, panes
from stream.contracts.topics import Topic

MOVED = [metrics.MovedBucket(label="[1, 2)", reference=0.25, window=0.75, psi=0.55)]


def moment(seconds: float) -> str:
    """Seconds since the epoch as the contracts write it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def event(number: int, ts: str, model: str = "electricity", **changed: object) -> InferenceEvent:
    fields = {
        "event_id": f"{model}-{number}",
        "request_id": f"request-{number // 2}",
        "row": number % 2,
        "ts": ts,
        "workspace": "default",
        "model": model,
        "version": 1,
        "deployment_id": "d1",
        "role": "primary",
        "status": 200,
        "error": None,
        "latency_ms": 1.5,
        "model_ms": 0.5,
        "batch_size": 2,
        "features": {"price": 0.125, "day": "mon", "weekend": True, "gap": None, "list": [1, {"a": "x'y"}]},
        "prediction": {"label": "UP", "p": 0.75},
        "key_id": None,
    }
    return msgspec.convert({**fields, **changed}, InferenceEvent)


def drift(ts: str, model: str, **changed: object) -> metrics.DriftMetric:
    floats = "psi psi_noise kl kl_reverse js hellinger chi2 chi2_p g g_p missing_rate missing_delta"
    fields: dict[str, object] = dict.fromkeys([*floats.split(), "unseen_rate", "out_of_range_rate"], 0.125)
    fields |= {"ts": ts, "window_start": ts, "window_end": ts, "newest_ts": ts, "since": ts, "workspace": "default"}
    fields |= {"model": model, "version": 1, "deployment_id": "d1", "profile_id": "p1", "reference": "reference"}
    fields |= {"series": "price", "role": "feature", "window": "1m", "n": 100, "n_eff": 99.5, "df": 9, "state": "drift"}
    fields |= dict.fromkeys(["ks", "ks_p", "w1", "w1_sigma", "mean", "reference_mean"])
    fields |= {"channels": ["psi"], "alpha": 1e-7, "moved": MOVED}
    return metrics.DriftMetric(**{**fields, **changed})  # type: ignore[arg-type]


def service(ts: str, model: str) -> metrics.ServiceMetric:
    return metrics.ServiceMetric(
        ts=ts,
        workspace="default",
        model=model,
        version=1,
        deployment_id="d1",
        window="1m",
        window_start=ts,
        window_end=ts,
        newest_ts=ts,
        events=10,
        requests=5,
        failed=1,
        rate=0.25,
        error_rate=0.1,
        latency_mean_ms=1.0,
        latency_p50_ms=0.9,
        latency_p95_ms=2.0,
        latency_p99_ms=3.0,
        baseline_p95_ms=None,
        memory="{}",
        refused=3,
        refused_requests=2,
        client_error_rate=0.4,
    )


def alert(ts: str, model: str, state: str = "firing") -> alerts.Alert:
    return alerts.Alert(
        alert_id=f"{model}-a1",
        change_id=f"{model}-a1-{state}",
        rule="drift",
        state=state,
        severity="warning",
        ts=ts,
        since=ts,
        workspace="default",
        model=model,
        version=1,
        deployment_id="d1",
        series="price",
        window="1m",
        summary="price moved",
        value=0.5,
        threshold=0.2,
        n=100,
        p_value=None,
        noise_floor=0.1,
        channels=["psi"],
        moved=MOVED,
        next_steps=["look", "retrain"],
        newest_ts=ts,
    )


def pane(model: str, start: int, as_of: int, events: int) -> panes.Pane:
    return panes.Pane(
        workspace="default",
        model=model,
        version=1,
        deployment_id="d1",
        profile_id="p1",
        start=start,
        topic_id="t1",
        partition=0,
        segment=3,
        as_of=as_of,
        closed=False,
        closed_at=-1,
        closes_at=start + 20.0,
        newest_ts=moment(start + 1),
        events=events,
        requests=events,
        failed=0,
        refused=0,
        latency_bins=[12],
        latency_counts=[events],
        latency_sum_ms=1.5,
        bins=[0, 7],
        counts=[1, events - 1],
        sums=[0.5, 7.5],
        sample=None,
    )


def unsealed(value: bytes) -> bytes:
    """A record as it was written before messages had checksums (stream/contracts/sealed.py)."""
    lines = [msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in value.split(b"\n")]
    return b"\n".join(
        msgspec.json.encode({**fields, "v": 1} if fields.pop("crc32", None) else fields) for fields in lines
    )


def of_every_topic(model: str, now: float) -> dict[Topic, bytes]:
    """One record value a topic, about `model`, made at `now` (seconds since the epoch)."""
    ts = moment(now)
    notification = alerts.Notification(
        notification_id=f"{model}-n1",
        alert_id=f"{model}-a1",
        change_id=f"{model}-a1-firing",
        ts=ts,
        channel="webhook",
        target="example.test/hook",
        attempt=1,
        outcome="failed",
        status=None,
        detail="no answer",
        elapsed_ms=2.5,
    )
    letter = dead_letters.letter_for(
        b"{",
        ts=now,
        topic="inference.events",
        partition=1,
        offset=7,
        line=-1,
        reason=dead_letters.Reason.NOT_JSON,
        detail=model,
        reader="stream",
    )
    deployment = deployments.DeploymentRecord(
        deployment_id="d1",
        workspace="default",
        model=model,
        version=1,
        ts=ts,
        action="live",
        profile={"id": "p1", "series": [{"name": "price"}]},
        profile_id="p1",
        features=["price"],
    )
    label = {
        "event_id": f"{model}-0",
        "ts": ts,
        "workspace": "default",
        "model": model,
        "label": "UP",
        "source": "test",
    }
    return {
        Topic.EVENTS: encode_record([event(number, ts, model) for number in range(2)]),
        Topic.PANES: panes.encode(pane(model, int(now) // 10 * 10, 5, 4)),
        Topic.DRIFT: metrics.encode_lines([drift(ts, model), drift(ts, model, series="demand", state="quiet")]),
        Topic.SERVICE: metrics.encode_lines([service(ts, model)]),
        Topic.ALERTS: alerts.encode(alert(ts, model)),
        Topic.NOTIFICATIONS: alerts.encode(notification),
        Topic.FEEDBACK: msgspec.json.encode(label),
        Topic.DEPLOYMENTS: deployments.encode(deployment),
        Topic.DEAD_LETTERS: dead_letters.encode(letter),
    }
