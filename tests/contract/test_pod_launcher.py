"""The launcher of pods, through the official client, against a server that answers as the Kubernetes API does."""

import asyncio
import base64
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from model_runner.wire.client import ClientConfig, RunnerClient
from storage import registry
from storage.registry import Database
from tests.support.behaviour import ANSWER, told
from tests.support.kubernetes_api import ANSWERS, KubernetesApi, kubernetes_api
from tests.support.models import write_behaving
from tests.support.ports import free_ports
from tests.support.runners import RunnerProcess
from tests.support.waiting import wait_until
from tidegate.parts.state import Condition
from tidegate.pods.cluster import Cluster
from tidegate.pods.config import PodsConfig
from tidegate.pods.launcher import PodLauncher
from tidegate.pods.manifests import object_name
from tidegate.registry_routes import RegistryRouteSource

CONFIG = PodsConfig(image="tidegate:test", namespace="models", owner="tidegate")
TOKEN = "token-of-"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "registry.sqlite"
    registry.upgrade(f"sqlite:///{path}")
    return path


class Stage:
    """A registry with one live deployment, and a cluster."""

    def __init__(self, dsn: str, api: KubernetesApi) -> None:
        self.dsn = dsn
        self.api = api
        self.database = Database(dsn)
        made = registry.create_version(
            self.database,
            "electricity",
            artifact_url=f"s3://bucket/{'ab' * 32}",
            sha256="ab" * 32,
            format="joblib",
            input_schema=None,
            manifest={"replicas": 2, "idle_seconds": 5.0},
        )
        self.id = registry.switch_route(self.database, registry.create_deployment(self.database, made.id).id).id
        self.name = object_name(self.id)

    @asynccontextmanager
    async def launcher(self) -> AsyncIterator[PodLauncher]:
        def token_of(deployment_id: str) -> str:
            return f"{TOKEN}{deployment_id}"

        launcher = PodLauncher(CONFIG, Cluster("models"), Database(self.dsn), token_of, lambda: None)
        try:
            yield launcher
        finally:
            await launcher.stop()

    async def reconcile(self, launcher: PodLauncher) -> bool:
        return await launcher.reconcile(registry.desired_runners(self.database))

    def addresses(self) -> tuple[str, ...] | None:
        return registry.get_deployment(self.database, self.id).addresses

    def slice(self, port: int = 8750, host: str = "10.244.1.17") -> dict[str, Any]:
        """As the cluster makes one for the deployment's Service, with one ready pod."""
        one = deepcopy(ANSWERS["endpoint_slice"])
        one["metadata"]["name"] = f"{self.name}-7kq2p"
        one["metadata"]["labels"]["kubernetes.io/service-name"] = self.name
        one["endpoints"] = one["endpoints"][:1]
        one["endpoints"][0]["addresses"] = [host]
        one["ports"][0]["port"] = port
        return one


@pytest.fixture
def stage(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with kubernetes_api() as api:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path / "kubeconfig")))
        found = Stage(f"sqlite:///{shutil.copy(empty, tmp_path)}", api)
        yield found
        found.database.close()


async def until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, 10, what, 0.02)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_deployment_gets_its_three_objects_and_nothing_is_asked_twice(stage: Stage) -> None:
    async def work() -> None:
        async with stage.launcher() as launcher:
            assert await stage.reconcile(launcher)
            assert stage.api.writes() == [("POST", "deployments"), ("POST", "secrets"), ("POST", "services")]
            assert await stage.reconcile(launcher)
            assert len(stage.api.writes()) == 3
        async with stage.launcher() as after_a_restart:
            assert await stage.reconcile(after_a_restart)
        assert [method for method, _ in stage.api.writes()] == ["POST"] * 6, "they are there and the same: no patch"

    run(work())
    objects = stage.api.objects
    deployment = objects["deployments", stage.name]
    assert deployment["spec"]["replicas"] == 2
    owner = objects["services", stage.name]["metadata"]["ownerReferences"][0]
    assert owner["uid"] == deployment["metadata"]["uid"]
    given = base64.b64decode(objects["secrets", stage.name]["data"]["token"]).decode()
    assert given == f"{TOKEN}{stage.id}"


def test_what_changed_is_patched_also_after_a_restart(stage: Stage) -> None:
    async def work() -> None:
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            registry.set_replicas(stage.database, [stage.id], 5)
            assert await stage.reconcile(launcher)
            assert stage.api.objects["deployments", stage.name]["spec"]["replicas"] == 5
        registry.set_replicas(stage.database, [stage.id], 1)
        async with stage.launcher() as after_a_restart:
            assert await stage.reconcile(after_a_restart)

    run(work())
    assert stage.api.objects["deployments", stage.name]["spec"]["replicas"] == 1
    patches = [one for one in stage.api.asked if one.method == "PATCH"]
    assert [(one.plural, one.content_type) for one in patches] == [
        ("deployments", "application/strategic-merge-patch+json")
    ] * 2


def test_what_is_asleep_has_no_pods_until_it_is_asked(stage: Stage) -> None:
    def replicas() -> int:
        return int(stage.api.objects["deployments", stage.name]["spec"]["replicas"])

    async def work() -> None:
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            registry.put_to_sleep(stage.database, stage.id, None)
            await stage.reconcile(launcher)
            assert replicas() == 0
            assert launcher.states() == ()
            registry.note_requests(stage.database, [stage.id])
            await stage.reconcile(launcher)
            assert replicas() == 2

    run(work())


def test_what_nobody_wants_is_deleted_and_what_is_others_is_left_alone(stage: Stage) -> None:
    async def work() -> None:
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            for name, owner in (("others", "another"), ("left-behind", "tidegate")):
                one = deepcopy(stage.api.objects["deployments", stage.name])
                one["metadata"] |= {"name": name, "uid": name}
                one["metadata"]["labels"]["app.kubernetes.io/part-of"] = owner
                stage.api.put("deployments", one)
            registry.retire_deployment(stage.database, stage.id)
            assert await stage.reconcile(launcher)
            # One that is gone is no error.
            await asyncio.to_thread(Cluster("models").delete, stage.name)

    run(work())
    assert list(stage.api.objects) == [("deployments", "others")], "its Service and Secret went with it"
    deleted = [one for one in stage.api.asked if one.method == "DELETE"]
    assert {one.query.get("propagationPolicy") for one in deleted} == {"Background"}


def test_a_cluster_that_refuses_is_told_of_and_asked_again(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.pods.launcher.AGAIN_S", 0.0)

    async def work() -> None:
        async with stage.launcher() as launcher:
            stage.api.refusals["POST", "deployments"] = "forbidden"
            assert not await stage.reconcile(launcher)
            assert any("cannot create resource" in trouble for trouble in launcher.troubles)
            stage.api.refusals.clear()
            stage.api.refusals["POST", "secrets"] = "forbidden"
            assert not await stage.reconcile(launcher), "the Deployment is there, its Secret is not"
            stage.api.refusals.clear()
            assert await stage.reconcile(launcher)
            assert launcher.troubles == ()

    with caplog.at_level(logging.DEBUG, logger="tidegate"):
        run(work())
    assert {plural for plural, _ in stage.api.objects} == {"deployments", "secrets", "services"}
    assert TOKEN not in caplog.text
    assert base64.b64encode(TOKEN.encode()).decode()[:10] not in caplog.text


def test_ready_pods_are_routed_to_as_they_come_and_go(stage: Stage, tmp_path: Path) -> None:
    async def work() -> None:
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            await until(lambda: stage.addresses() == (), "no address to be known")
            assert not launcher.is_ready(stage.id)
            stage.api.put("endpointslices", stage.slice(), "ADDED")
            await until(lambda: stage.addresses() == ("tcp://10.244.1.17:8750",), "its address")
            assert launcher.is_ready(stage.id)
            await until(lambda: "1 of 2" in launcher.states()[0].detail, "what is missing")
            other = stage.slice(host="10.244.2.9")
            other["metadata"]["name"] += "-2"
            stage.api.put("endpointslices", other, "ADDED")
            await until(lambda: len(stage.addresses() or ()) == 2, "both")
            await until(lambda: launcher.states()[0].condition is Condition.READY, "its state")
            stage.api.put("endpointslices", other, "DELETED")
            await until(lambda: stage.addresses() == ("tcp://10.244.1.17:8750",), "the end of one")

    run(work())
    source = RegistryRouteSource(stage.dsn, tmp_path, lambda key: f"{TOKEN}{key}")
    route = source.load().routes[0]
    source.close()
    assert (route.addresses, route.token) == (("tcp://10.244.1.17:8750",), f"{TOKEN}{stage.id}")
    assert TOKEN not in repr(route)


def test_a_watch_that_is_too_old_begins_anew_from_a_list(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.pods.watching.AGAIN_S", 0.05)

    async def work() -> None:
        stage.api.refusals["WATCH", "endpointslices"] = "gone"
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            await until(lambda: ("WATCH", "endpointslices") not in stage.api.refusals, "the end of the first watch")
            stage.api.put("endpointslices", stage.slice(), "ADDED")
            await until(lambda: bool(stage.addresses()), "its address")

    run(work())


def test_pods_that_cannot_begin_are_failing_with_the_reason(stage: Stage) -> None:
    async def work() -> None:
        pod = deepcopy(ANSWERS["crashing_pod"])
        pod["metadata"]["labels"]["app.kubernetes.io/instance"] = stage.id
        stage.api.put("pods", pod, "ADDED")
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            await until(lambda: launcher.states() and launcher.states()[0].condition is Condition.FAILING, "its state")
            state = launcher.states()[0]
            assert state.name == f"runner-{stage.id}"
            assert "step fetch: CrashLoopBackOff" in state.detail

    run(work())


def test_a_real_runner_behind_an_endpoint_answers_who_has_the_routes_token(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}{stage.id}")
    port = free_ports(1)[0]
    more = ("--listen", f"tcp://127.0.0.1:{port}", "--token-file", str(tmp_path / "token"))
    process = RunnerProcess(write_behaving(tmp_path / "m"), tmp_path, stage.id, more)

    async def work() -> None:
        async with stage.launcher() as launcher:
            await stage.reconcile(launcher)
            stage.api.put("endpointslices", stage.slice(port, "127.0.0.1"), "ADDED")
            await until(lambda: bool(stage.addresses()), "its address")
            source = RegistryRouteSource(stage.dsn, tmp_path, lambda key: f"{TOKEN}{key}")
            route = source.load().routes[0]
            source.close()
            async with contextlib.aclosing(_Client(route.addresses[0], route.token)) as client:
                assert (await client.runner.predict([told(ANSWER)])).predictions == [1.0]

    try:
        process.start()
        run(work())
    finally:
        process.child.stop()


class _Client:
    def __init__(self, address: str, token: str | None) -> None:
        self.runner = RunnerClient(address, ClientConfig(), token)

    async def aclose(self) -> None:
        await self.runner.close()
