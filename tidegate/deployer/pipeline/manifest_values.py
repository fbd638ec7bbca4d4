"""What the registry keeps of a model folder's manifest."""

from typing import Any

from model_runner.checking.report import Report
from model_runner.limits import Limits
from tidegate.deployer.pipeline.profiling import watched_features


def manifest_values(report: Report) -> dict[str, Any]:
    """Plain JSON values, read by the gateway's routes and by the records of topic `deployments`."""
    manifest = report.manifest
    return {
        "task": report.info.task,
        "model": report.info.model,
        "mask": list(manifest.mask),
        "example": report.inputs.example,
        "psi_threshold": manifest.psi_threshold,
        "baseline_rows": manifest.baseline_rows,
        "replicas": manifest.replicas,
        "idle_seconds": manifest.idle_seconds,
        "load_seconds": manifest.limits.load_seconds,
        "limits": _limits(manifest.limits),
        "watched": watched_features(report),
        "environment": _environment(report),
    }


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "memory_bytes": limits.memory_bytes,
        "cpus": limits.cpus,
        "predict_seconds": limits.predict_seconds,
    }


def _environment(report: Report) -> dict[str, Any] | None:
    """None where the model runs in Tidegate's own."""
    about = report.prepared.environment
    return None if about is None else {"key": about.key, "packages": list(about.packages)}
