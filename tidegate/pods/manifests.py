"""The objects that stand for one deployment in a cluster. Pure: each is a JSON object in the API's own form."""

import base64
import hashlib
from typing import Any

import msgspec

from model_runner.limits import Limits
from storage.registry import DesiredRunner
from tidegate.pods.config import RUNNER_PORT, PodsConfig

Manifest = dict[str, Any]

APPLIED = "tidegate/applied"
"""Annotation with the hash of what was asked for: the API server fills in so much that nothing else can be compared."""
PROBE_S = 2
_USER = 10_001
"""Any that is not root; the image has it too (deploy/Dockerfile)."""
_LEAST = {"cpu": "100m", "memory": "256M"}
"""What every pod is given; no model may ask for less memory (model_runner/limits.py)."""
_DRAIN_S = 30
_LEAVE_S = 3
"""A pod that is to end stays so long: gateways learn of it within a second."""


def object_name(deployment_id: str) -> str:
    """Of all three objects of a deployment."""
    return f"tidegate-{deployment_id}"


def owner_labels(config: PodsConfig) -> dict[str, str]:
    """Of everything that this Tidegate has made."""
    return {"app.kubernetes.io/managed-by": "tidegate", "app.kubernetes.io/part-of": config.owner}


def labels(config: PodsConfig, deployment_id: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "tidegate-runner",
        "app.kubernetes.io/instance": deployment_id,
        **owner_labels(config),
    }


def selector(manifest_labels: dict[str, str]) -> str:
    """As the API takes it in a URL."""
    return ",".join(f"{key}={value}" for key, value in sorted(manifest_labels.items()))


def deployment(config: PodsConfig, runner: DesiredRunner) -> Manifest:
    """The pods of a deployment: none while it is asleep."""
    mine = labels(config, runner.deployment_id)
    spec = {
        "replicas": 0 if runner.asleep else runner.replicas,
        "revisionHistoryLimit": 0,
        "selector": {"matchLabels": mine},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": mine, "annotations": _about(runner)}, "spec": _pod(config, runner)},
    }
    return _sealed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": object_name(runner.deployment_id),
                "namespace": config.namespace,
                "labels": mine,
                "annotations": _about(runner),
            },
            "spec": spec,
        }
    )


def service(config: PodsConfig, deployment_id: str, owner_uid: str) -> Manifest:
    """Headless: its endpoints are the pods themselves, since a gateway keeps one connection to each.

    Args:
        owner_uid: of the Deployment, with which it goes.
    """
    mine = labels(config, deployment_id)
    return _sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _owned(config, deployment_id, owner_uid),
            "spec": {
                "clusterIP": "None",
                "selector": mine,
                "ports": [{"name": "runner", "port": RUNNER_PORT, "targetPort": RUNNER_PORT, "protocol": "TCP"}],
            },
        }
    )


def secret(config: PodsConfig, deployment_id: str, token: str, owner_uid: str) -> Manifest:
    """What gateways have to know to be answered."""
    return _sealed(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _owned(config, deployment_id, owner_uid),
            "type": "Opaque",
            "data": {"token": base64.b64encode(token.encode()).decode()},
        }
    )


def limits_of(runner: DesiredRunner) -> Limits:
    """What its `[limits]` said when it was deployed."""
    kept = runner.manifest.get("limits") or {}
    return Limits(
        memory_bytes=int(kept.get("memory_bytes") or Limits.memory_bytes),
        cpus=kept.get("cpus"),
        load_seconds=runner.manifest.get("load_seconds"),
        predict_seconds=kept.get("predict_seconds"),
    )


def _pod(config: PodsConfig, runner: DesiredRunner) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _DRAIN_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_fetching(config, runner)],
        "containers": [_serving(config, runner)],
        "volumes": [
            {"name": "model", "emptyDir": {}},
            {"name": "fetching", "emptyDir": {}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "token", "secret": {"secretName": object_name(runner.deployment_id), "defaultMode": 0o440}},
        ],
    }


def _fetching(config: PodsConfig, runner: DesiredRunner) -> Manifest:
    """The only step that reaches the store: the model's own code never runs where its credentials are."""
    asked = ["--url", runner.artifact_url, "--sha256", runner.sha256, "--to", "/model"]
    asked += ["--timeout-s", f"{config.deadlines.build_step:g}"]
    secret_name = config.artifacts_secret
    credentials = {} if secret_name is None else {"envFrom": [{"secretRef": {"name": secret_name}}]}
    return {
        "name": "fetch",
        "image": config.image,
        "command": ["python", "-m", "tidegate.pods.fetch", *asked],
        **credentials,
        "env": _environment(),
        "resources": {"requests": _LEAST, "limits": {"memory": "2G"}},
        "securityContext": _confined(),
        "volumeMounts": [{"name": "model", "mountPath": "/model"}, {"name": "fetching", "mountPath": "/tmp"}],  # noqa: S108
    }


def _serving(config: PodsConfig, runner: DesiredRunner) -> Manifest:
    limits = limits_of(runner)
    load_s = config.deadlines.load_s(limits.load_seconds)
    asked = ["--deployment", runner.deployment_id, "--socket", "/tmp/s", "--listen", f"tcp://0.0.0.0:{RUNNER_PORT}"]  # noqa: S108
    asked += ["--token-file", "/run/tidegate/token", "--load-s", f"{load_s:g}"]
    asked += [] if limits.predict_seconds is None else ["--predict-s", f"{limits.predict_seconds:g}"]
    return {
        "name": "runner",
        "image": config.image,
        "command": ["python", "-m", "tidegate.pods.serve", "--from", "/model", *asked],
        "env": _environment(),
        "ports": [{"name": "runner", "containerPort": RUNNER_PORT, "protocol": "TCP"}],
        # The port is open once the model is loaded, and not before.
        "startupProbe": _probe(period_s=1, failures=int(load_s) + 30),
        "readinessProbe": _probe(period_s=PROBE_S, failures=2),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_LEAVE_S)]}}},
        "resources": _resources(limits),
        "securityContext": _confined(),
        "volumeMounts": [
            {"name": "model", "mountPath": "/model", "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108
            {"name": "token", "mountPath": "/run/tidegate", "readOnly": True},
        ],
    }


def _probe(*, period_s: int, failures: int) -> Manifest:
    return {"tcpSocket": {"port": RUNNER_PORT}, "periodSeconds": period_s, "failureThreshold": failures}


def _resources(limits: Limits) -> Manifest:
    asked, bound = _LEAST, {"memory": str(limits.memory_bytes)}
    if limits.cpus is not None:
        millis = max(1, round(limits.cpus * 1000))
        # A request above the limit is refused.
        asked, bound = {**asked, "cpu": f"{min(100, millis)}m"}, {**bound, "cpu": f"{millis}m"}
    return {"requests": asked, "limits": bound}


def _confined() -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _environment() -> list[Manifest]:
    return [{"name": "HOME", "value": "/tmp"}, {"name": "PYTHONUNBUFFERED", "value": "1"}]  # noqa: S108


def _about(runner: DesiredRunner) -> dict[str, str]:
    """For people: a model's name need not be a label's value."""
    return {
        "tidegate/workspace": runner.workspace,
        "tidegate/model": runner.model,
        "tidegate/version": str(runner.version),
    }


def _owned(config: PodsConfig, deployment_id: str, owner_uid: str) -> Manifest:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": object_name(deployment_id), "uid": owner_uid}
    return {
        "name": object_name(deployment_id),
        "namespace": config.namespace,
        "labels": labels(config, deployment_id),
        "ownerReferences": [reference],
    }


def _sealed(manifest: Manifest) -> Manifest:
    digest = hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()[:16]
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), APPLIED: digest}}}
