"""A stack whose runners are pods: deployed, asked over TCP, scaled, put to sleep, woken and rolled back."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.kubelet import Kubelet
from tests.support.kubernetes_api import KubernetesApi, kubernetes_api
from tests.support.scripted import NAME, write_scripted
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

PATH = f"/v1/models/{NAME}/predict"


@dataclass
class InCluster:
    stack: RunningStack
    api: KubernetesApi
    kubelet: Kubelet
    folder: Path

    def ask(self) -> httpx.Response:
        return httpx.post(self.stack.gateway_url + PATH, json={"wait": 0.0}, timeout=40)

    def answering(self) -> set[int]:
        return {self.ask().json()["prediction"] for _ in range(20)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InCluster]:
    scratch = tmp_path_factory.mktemp("k8s")
    folder = write_scripted(scratch / NAME, "idle_seconds = 3")
    with kubernetes_api() as api, pytest.MonkeyPatch.context() as patched:
        # As the stack's owner sets it before `tidegate up`.
        patched.setenv("KUBECONFIG", str(api.kubeconfig(scratch / "kubeconfig")))
        settings = {
            "launcher": "kubernetes",
            "kubernetes_namespace": "models",
            "kubernetes_image": "registry.example/tidegate:0.1.0",
            "artifacts_url": f"local://{scratch}/artifacts",
        }
        with running_stack(scratch, **settings) as stack:
            kubelet = Kubelet(api, scratch, {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"})
            kubelet.start()
            try:
                yield InCluster(stack, api, kubelet, folder)
            finally:
                kubelet.stop()


def test_a_model_is_deployed_as_pods_and_asked_over_tcp(cluster: InCluster) -> None:
    deployed = cluster.stack.json("deploy", str(cluster.folder))
    answer = cluster.ask()
    assert (answer.status_code, answer.json()["version"]) == (200, 1), cluster.kubelet.logs()
    parts = cluster.stack.parts()
    assert parts[f"runner-{deployed['deployment_id']}"]["condition"] == "ready"
    key = (cluster.stack.settings.home_path / "runner-key").read_text().strip()
    assert key not in cluster.kubelet.logs() + cluster.stack.logs(1_000_000)


def test_it_is_scaled_by_the_cluster(cluster: InCluster) -> None:
    cluster.stack.tidegate("scale", NAME, "2")
    wait_until(lambda: len(cluster.answering()) == 2, 30, "the second pod")
    cluster.stack.tidegate("scale", NAME, "1")
    # Asked all the while: it sleeps after three seconds without a request.
    wait_until(lambda: len(cluster.answering()) == 1 and cluster.kubelet.count() == 1, 60, "the end of it")


def test_it_sleeps_without_pods_and_a_request_brings_one(cluster: InCluster) -> None:
    before = cluster.answering()
    wait_until(lambda: cluster.kubelet.count() == 0, 30, "its sleep")
    answer = cluster.ask()
    assert answer.status_code == 200, answer.text
    assert answer.json()["prediction"] not in before


def test_a_second_version_takes_over_and_a_rollback_leads_back(cluster: InCluster) -> None:
    cluster.stack.tidegate("deploy", str(cluster.folder))
    assert cluster.ask().json()["version"] == 2
    cluster.stack.tidegate("rollback", NAME)
    wait_until(lambda: cluster.ask().json().get("version") == 1, 10, "version 1")
    deployments = [name for plural, name in cluster.api.objects if plural == "deployments"]
    assert len(deployments) == 2, "the one before stays warm"
