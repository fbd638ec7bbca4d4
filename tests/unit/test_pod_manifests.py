"""The objects of a deployment in a cluster: whole, as the API takes them and as the official client reads them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from kubernetes.client import ApiClient

from storage.registry import DesiredRunner, Role, Status
from tests.support.kubernetes_api import ANSWERS, DATA
from tidegate.parts.state import Condition
from tidegate.pods.config import PodsConfig, PodsConfigError, pods_config
from tidegate.pods.manifests import APPLIED, Manifest, deployment, secret, selector, service
from tidegate.pods.states import condition_of, ready_addresses
from tidegate.settings import Settings

CONFIG = PodsConfig(
    image="registry.example/tidegate:0.1.0", namespace="models", owner="tidegate", artifacts_secret="artifact-store"
)
RUNNER = DesiredRunner(
    deployment_id="d66161ad04942",
    workspace="default",
    model="electricity",
    version=7,
    artifact_url=f"s3://bucket/models/{'ab' * 32}",
    sha256="ab" * 32,
    format="joblib",
    input_schema=None,
    manifest={
        "load_seconds": 90.0,
        "limits": {"memory_bytes": 1_000_000_000, "cpus": 1.5, "predict_seconds": 5.0},
    },
    role=Role.PRIMARY,
    status=Status.LIVE,
    replicas=3,
)
CLIENT: Any = ApiClient()
UID = "0f1e6f7e-5d0a-4a53-9a3e-6f0d5a1c2b3d"
MADE = {
    "deployment": ("V1Deployment", deployment(CONFIG, RUNNER)),
    "service": ("V1Service", service(CONFIG, RUNNER.deployment_id, UID)),
    "secret": ("V1Secret", secret(CONFIG, RUNNER.deployment_id, "t0ken", UID)),
}


def as_model(kind: str, manifest: object) -> Any:
    """By the official client, which refuses what lacks a required field."""
    return CLIENT.deserialize(json.dumps(manifest), kind, "application/json")


@pytest.mark.parametrize("name", MADE)
def test_they_are_what_was_written_down(name: str) -> None:
    assert MADE[name][1] == json.loads((DATA / f"{name}.json").read_text())


@pytest.mark.parametrize("name", MADE)
def test_the_official_client_knows_every_field_of_them(name: str) -> None:
    kind, manifest = MADE[name]
    assert CLIENT.sanitize_for_serialization(as_model(kind, manifest)) == manifest


@pytest.mark.parametrize(("name", "kind"), [("endpoint_slice", "V1EndpointSlice"), ("crashing_pod", "V1Pod")])
def test_the_recorded_answers_are_objects_of_the_api(name: str, kind: str) -> None:
    read = CLIENT.sanitize_for_serialization(as_model(kind, ANSWERS[name]))
    read["metadata"]["creationTimestamp"] = ANSWERS[name]["metadata"]["creationTimestamp"]
    assert read == ANSWERS[name]


def pod(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def test_a_model_has_no_rights_and_no_credentials() -> None:
    spec = pod(deployment(CONFIG, RUNNER))
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*spec["initContainers"], *spec["containers"]]:
        confined = container["securityContext"]
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["capabilities"] == {"drop": ["ALL"]}
    runner = spec["containers"][0]
    assert "envFrom" not in runner, "only the step that fetches may read the store's credentials"
    assert not {mount["name"] for mount in runner["volumeMounts"]} & {"fetching"}, "nor what that step left about"


def test_one_that_sleeps_has_no_pods() -> None:
    assert deployment(CONFIG, replace(RUNNER, asleep=True))["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    "other",
    [{"replicas": 2}, {"asleep": True}, {"manifest": {}}, {"sha256": "cd" * 32}],
    ids=["replicas", "asleep", "limits", "files"],
)
def test_every_difference_shows_in_the_hash_of_what_is_asked_for(other: dict[str, Any]) -> None:
    def applied(runner: DesiredRunner) -> str:
        return str(deployment(CONFIG, runner)["metadata"]["annotations"][APPLIED])

    assert applied(RUNNER) == applied(replace(RUNNER))
    assert applied(replace(RUNNER, **other)) != applied(RUNNER)


@pytest.mark.parametrize("kept", [{}, {"memory_bytes": 256_000_000, "cpus": 0.02}, {"cpus": 4.0}])
def test_no_pod_asks_for_more_than_its_limit(kept: dict[str, Any]) -> None:
    def number(quantity: str) -> float:
        units = {"m": 1e-3, "M": 1e6}
        return float(quantity.rstrip("mM")) * units.get(quantity[-1], 1.0)

    resources = pod(deployment(CONFIG, replace(RUNNER, manifest={"limits": kept})))["containers"][0]["resources"]
    for name, limit in resources["limits"].items():
        assert number(resources["requests"][name]) <= number(limit), name
    assert ("cpu" in resources["limits"]) == ("cpus" in kept)


def test_ready_endpoints_that_stay_are_addresses() -> None:
    recorded = as_model("V1EndpointSlice", ANSWERS["endpoint_slice"])
    assert ready_addresses([recorded]) == ("tcp://10.244.1.17:8750",)
    six = {**ANSWERS["endpoint_slice"], "addressType": "IPv6", "endpoints": [{"addresses": ["fd00::7"]}]}
    assert ready_addresses([recorded, as_model("V1EndpointSlice", six)]) == (
        "tcp://10.244.1.17:8750",
        "tcp://[fd00::7]:8750",
    )


def test_a_pod_that_cannot_begin_says_why() -> None:
    crashing = as_model("V1Pod", ANSWERS["crashing_pod"])
    condition, detail = condition_of(1, (), [crashing])
    assert condition is Condition.FAILING
    assert "step fetch: CrashLoopBackOff (exit code 1)" in detail
    assert condition_of(2, ("tcp://10.0.0.1:1",), []) == (Condition.STARTING, "1 of 2 pods are ready")
    assert condition_of(1, ("tcp://10.0.0.1:1",), [crashing]) == (Condition.READY, "")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, "TIDEGATE_KUBERNETES_IMAGE"),
        ({"kubernetes_image": "i"}, "TIDEGATE_ARTIFACTS_URL"),
        ({"kubernetes_image": "i", "artifacts_url": "file:///a"}, "TIDEGATE_ARTIFACTS_URL"),
    ],
)
def test_settings_that_do_not_say_enough_name_what_is_missing(given: dict[str, str], names: str) -> None:
    with pytest.raises(PodsConfigError, match=names):
        pods_config(Settings.model_validate({"launcher": "kubernetes", **given}))


def test_a_selector_is_written_as_in_a_url() -> None:
    assert selector({"b": "2", "a": "1"}) == "a=1,b=2"
