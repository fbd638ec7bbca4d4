"""How many runners a model has, on a stack with two gateways: none while nobody asks, several where it wants them."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.registry_of import deployments
from tests.support.scripted import NAME, write_scripted
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

PATH = f"/v1/models/{NAME}/predict"
SEVERAL = "/v1/models/several/predict"
IDLE_S = 1.0


@dataclass
class Served:
    stack: RunningStack
    other: Child
    other_url: str
    """Of a second gateway over the same registry."""
    deployment: str
    folder: Path

    def ask(self, url: str | None = None, wait_s: float = 0.0, path: str = PATH) -> httpx.Response:
        return httpx.post((url or self.stack.gateway_url) + path, json={"wait": wait_s}, timeout=40)

    def cold_starts(self, url: str) -> float:
        name = f'tidegate_cold_start_seconds_count{{model="{NAME}",workspace="default"}} '
        lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
        return next((float(line.removeprefix(name)) for line in lines if line.startswith(name)), 0.0)

    def runs(self) -> bool:
        return f"runner-{self.deployment}" in self.stack.parts()

    def until_asleep(self) -> None:
        def asleep() -> bool:
            listed = {one.id: one for one in deployments(self.stack, NAME)}
            assert listed[self.deployment].status == "live"
            return listed[self.deployment].asleep

        wait_until(asleep, 20, "the end of its idle time", 0.2)
        wait_until(lambda: not self.runs(), 20, "the end of its runner", 0.2)

    def start_other(self) -> None:
        self.other.start()

        def ready() -> bool:
            try:
                return httpx.get(f"{self.other_url}/readyz", timeout=2).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, 30, f"the second gateway; its log ends: {self.other.log_tail()}")


@pytest.fixture(scope="module")
def served(shared_stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    scratch = tmp_path_factory.mktemp("idle")
    folder = write_scripted(scratch / NAME, f"idle_seconds = {IDLE_S}")
    # A gateway is killed.
    with shared_stack.lend(parts_end=True) as stack:
        deployed = stack.json("deploy", str(folder))
        port = free_ports(1)[0]
        env = {**stack.env, "TIDEGATE_GATEWAY_PORT": str(port)}
        other = Child([sys.executable, "-m", "tidegate.processes.gateway"], scratch, "other", env)
        served = Served(stack, other, f"http://127.0.0.1:{port}", deployed["deployment_id"], folder)
        try:
            served.start_other()
            yield served
        finally:
            other.stop()


def test_it_sleeps_when_nobody_asks_and_a_crowd_wakes_it_through_both_gateways(served: Served) -> None:
    assert served.ask().status_code == 200
    served.until_asleep()
    assert "asleep" in served.stack.tidegate("deployments", NAME).stdout
    before = {url: served.cold_starts(url) for url in (served.stack.gateway_url, served.other_url)}
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        urls = [served.stack.gateway_url, served.other_url] * 8
        answers = list(pool.map(served.ask, urls))
    print(f"cold start of a predict.py for 16 requests at once: {time.monotonic() - began:.2f} s")
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["prediction"] for answer in answers}) == 1, "one runner for all"
    started = [served.cold_starts(url) - count for url, count in before.items()]
    assert max(started) == 1, started


def test_while_one_of_two_gateways_has_requests_it_stays_up(served: Served) -> None:
    wait_until(lambda: stays_up_while_asked(served), 120, "a stretch of requests without a pause of this machine")


def stays_up_while_asked(served: Served) -> bool:
    """For four idle times, and until the stack told that it runs. False where requests paused: then it may sleep."""
    first = served.ask(served.other_url).json()["prediction"]
    answered = time.monotonic()
    end = answered + 4 * IDLE_S
    with ThreadPoolExecutor(1) as pool:
        runs = pool.submit(served.runs)
        while answered < end or not runs.done():
            time.sleep(IDLE_S / 4)
            if time.monotonic() - answered > IDLE_S / 2:
                return False
            assert served.ask(served.other_url).json()["prediction"] == first, "another runner"
            answered = time.monotonic()
        assert runs.result()
    return True


def test_a_request_that_takes_longer_than_it_may_idle_is_answered(served: Served) -> None:
    answer = served.ask(wait_s=4 * IDLE_S)
    assert answer.status_code == 200
    assert served.ask().json()["prediction"] == answer.json()["prediction"], "the same runner"


def test_requests_that_come_just_as_it_goes_to_sleep_are_answered(served: Served) -> None:
    """At every moment around the end of its idle time, from the decision to the end of its process."""
    for late_s in (1.2, 2.4, 3.1, 3.5):
        assert served.ask().status_code == 200
        time.sleep(IDLE_S + late_s)
        answer = served.ask(wait_s=0.5)
        assert answer.status_code == 200, (late_s, answer.text)


def test_a_rollback_to_a_version_that_sleeps_starts_it_first(served: Served) -> None:
    served.stack.tidegate("deploy", str(served.folder))
    old, new = served.deployment, served.stack.json("deployments", NAME)["deployments"][0]["id"]

    def both_asleep() -> bool:
        listed = {one.id: one for one in deployments(served.stack, NAME)}
        assert (listed[old].status, listed[new].status) == ("warm", "live")
        return listed[old].asleep and listed[new].asleep

    wait_until(both_asleep, 20, "the sleep of both", 0.2)
    done = served.stack.json("rollback", NAME)
    assert [(one["id"], one["asleep"]) for one in done["traffic"]] == [(old, False)]
    wait_until(lambda: served.ask().json().get("deployment_id") == old, 5, "its answers", 0.02)
    shared = served.stack.tidegate("traffic", NAME, "v1=50", "v2=50").stdout
    assert "version 2 50 %" in shared
    wait_until(lambda: {served.ask().json().get("version") for _ in range(20)} == {1, 2}, 10, "both to answer")
    served.stack.tidegate("promote", NAME, "v1")


def test_gateways_that_are_killed_while_they_wake_it_leave_it_in_no_third_state(served: Served) -> None:
    wait_until(lambda: _was_killed_while_it_woke_it(served), 60, "a gateway killed before it had its answer")
    answer = served.ask()
    assert answer.status_code == 200, f"the first gateway is asked, and it runs: {answer.text}"
    gateway = served.stack.kill("gateway")
    served.stack.wait_ready("gateway", other_than=gateway)
    served.until_asleep()
    served.start_other()
    assert served.ask(served.other_url).status_code == 200


def _was_killed_while_it_woke_it(served: Served) -> bool:
    """False where the machine let the request through before the kill."""
    served.until_asleep()
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(served.ask, served.other_url)
        time.sleep(0.1)
        served.other.kill()
        failed = isinstance(lost.exception(), httpx.TransportError)
    if not failed:
        served.start_other()
    return failed


@pytest.fixture(scope="module")
def several(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The deployment of a model with two replicas."""
    folder = write_scripted(tmp_path_factory.mktemp("m") / "several", "replicas = 2", name="several")
    return str(served.stack.json("deploy", str(folder))["deployment_id"])


def answering(served: Served, count: int = 40) -> set[int]:
    """The runners that answer requests, one after the other."""
    return {served.ask(path=SEVERAL).json()["prediction"] for _ in range(count)}


def test_two_replicas_share_the_requests_and_one_that_is_killed_costs_none(served: Served, several: str) -> None:
    names = [f"runner-{several}", f"runner-{several}.1"]
    assert set(names) <= set(served.stack.parts()), "both were waited for"
    before = answering(served)
    assert len(before) == 2
    statuses: list[int] = []
    over = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=served.stack.gateway_url, timeout=40) as client:
            # So many that several are in each runner when it is killed, and the machine has time for the rest.
            while not over.wait(0.02):
                statuses.append(client.post(SEVERAL, json={"wait": 0.05}).status_code)

    def await_answers() -> None:
        wanted = len(statuses) + 30
        wait_until(lambda: len(statuses) > wanted, 20, "answers")

    with ThreadPoolExecutor(6) as pool:
        for _ in range(6):
            pool.submit(load)
        try:
            for name in names:
                await_answers()
                pid = served.stack.kill(name)
                served.stack.wait_ready(name, other_than=pid)
            await_answers()
        finally:
            over.set()
    assert set(statuses) == {200}, Counter(statuses)
    after = answering(served)
    assert len(after) == 2
    assert not after & before, "both were started anew"


def test_a_slow_request_on_one_leaves_the_others_to_the_other(served: Served, several: str) -> None:
    def left_alone() -> bool:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(served.ask, None, 4.0, SEVERAL)
            time.sleep(0.5)
            began = time.monotonic()
            others = answering(served, 5)
            if slow.done():
                assert time.monotonic() - began > 3.0, "it was answered long before its time"
                return False  # the machine took longer for five requests than it for one
            return bool(slow.result().json()["prediction"] not in others)

    wait_until(left_alone, 60, "requests that did not wait behind a slow one")


def test_scale_adds_and_takes_away_replicas_without_a_failure(served: Served, several: str) -> None:
    assert "3 replicas" in served.stack.tidegate("scale", "several", "3").stdout
    wait_until(lambda: len(answering(served, 12)) == 3, 20, "the third")
    assert [one["replicas"] for one in served.stack.json("deployments", "several")["deployments"]] == [3]
    token = served.stack.settings.token_path.read_text().strip()
    scaled = httpx.post(
        f"{served.stack.gateway_url}/api/v1/models/several/scale",
        json={"replicas": 1},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (scaled.status_code, scaled.json()["done"]) == (200, True)
    names = {f"runner-{several}.1", f"runner-{several}.2"}

    def only_one() -> bool:
        assert served.ask(path=SEVERAL).status_code == 200
        return not names & set(served.stack.parts())

    wait_until(only_one, 20, "the end of the two others", 0.02)
    wrong = served.stack.tidegate("scale", "several", "99", check=False)
    assert (wrong.returncode, "64" in wrong.stderr) == (2, True), wrong.stderr
