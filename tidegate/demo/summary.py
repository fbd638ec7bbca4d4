"""What a run came to, as one JSON value. Pure."""

from dataclasses import asdict
from typing import Any

from tidegate.demo.bare_psi import THRESHOLD, WINDOW_ROWS
from tidegate.demo.demo import Run
from tidegate.demo.findings import Delivery, Findings
from tidegate.demo.traffic import Stream
from tidegate.demo.verdict import fired_features, problems


def summary(run: Run) -> dict[str, Any]:
    """All figures of a run. Times in seconds, counted from the first changed row where it says `after`."""
    tally, found = run.state.tally, run.findings
    reasons = problems(found)
    return {
        "ok": not reasons,
        "problems": reasons,
        "model": run.deployed.model,
        "version": run.deployed.version,
        "deployment_id": run.deployed.deployment_id,
        "rows": {"quiet": tally.served(Stream.QUIET), "changed": tally.served(Stream.CHANGED)},
        "requests": dict(tally.requests),
        "pace": asdict(tally.overall()),
        "stored": asdict(found.counts),
        "histograms": "equal to a recount" if found.recount is None else found.recount,
        "bare_psi": _bare(run),
        "fired": _fired(found),
        "predictions_fired": sorted({one.series for one in found.firings if one.role == "prediction"}),
        "alert": None if found.first_alert is None else _alert(found, found.first_alert),
        "alerts_received": len(run.state.deliveries),
        "seconds": {name: round(value, 2) for name, value in run.seconds.items()},
    }


def _bare(run: Run) -> dict[str, Any]:
    bare = run.state.bare
    features = {name: asdict(one) for name, one in bare.features.items()}
    return {"threshold": THRESHOLD, "rows": WINDOW_ROWS, **asdict(bare.total), "features": features}


def _fired(found: Findings) -> dict[str, Any]:
    if found.changed_at is None:
        return {}
    return {
        name: {"window": one.window, "after_s": round((one.evaluated - found.changed_at).total_seconds(), 2)}
        for name, one in sorted(fired_features(found).items())
    }


def _alert(found: Findings, received: Delivery) -> dict[str, Any]:
    after = None if found.changed_at is None else round(received.at - found.changed_at.timestamp(), 2)
    return {"after_s": after, "body": received.body}
