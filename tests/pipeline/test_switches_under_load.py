"""Ten deployments and ten rollbacks while requests come: nobody notices."""

import os
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.clients import Clients
from tests.support.git_client import Clone, remote_url
from tests.support.models import EXAMPLE, FEATURES, write_classifier, write_test_rows
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

MODEL = "switched"
TURNS = 10
PER_SECOND = float(os.environ.get("TIDEGATE_TEST_PER_SECOND", "60"))
"""Enough that some are under way at each switch; 200 by hand: see docs/benchmarks.md."""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


@pytest.fixture(scope="module")
def market(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("clone") / MODEL, remote_url(stack, MODEL))
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_classifier(clone.folder, toml=f"[features]\n{features}")
    clone.commit()
    pushed = clone.push()
    assert pushed.code == 0, pushed
    return clone


def _figures(name: str, took: list[float]) -> None:
    print(f"{name}: {sorted(took)[len(took) // 2]:.2f} s (median), {max(took):.2f} s (slowest)")


@pytest.mark.slow
def test_ten_deployments_and_ten_rollbacks_under_load_fail_not_one_request(stack: RunningStack, market: Clone) -> None:
    url = f"{stack.gateway_url}/v1/models/{MODEL}/predict"
    api = f"{stack.gateway_url}/api/v1/models/{MODEL}"
    bearer = {"Authorization": f"Bearer {stack.settings.token_path.read_text().strip()}"}
    pushes, rollbacks = [], []

    def seconds_until_answered_by(version: int, change: Callable[[], None]) -> float:
        began = time.monotonic()
        change()
        wait_until(lambda: httpx.post(url, json=EXAMPLE).json().get("version") == version, 10, "its answers", 0.02)
        return time.monotonic() - began

    def push() -> None:
        pushed = market.push()
        assert pushed.code == 0, pushed

    def roll_back() -> None:
        answer = httpx.post(f"{api}/rollback", headers=bearer, timeout=60)
        assert answer.status_code == 200, f"the version before is warm: {answer.text}"

    wait_until(lambda: httpx.post(url, json=EXAMPLE).status_code == 200, 10, "the first version to answer")
    with Clients(url, seed=4, threads=8, per_second=PER_SECOND) as clients:
        for turn in range(TURNS):
            write_test_rows(market.folder, [{**EXAMPLE, "price": turn / 100}])
            market.commit(f"Version {turn + 2}")
            pushes.append(seconds_until_answered_by(turn + 2, push))
            rollbacks.append(seconds_until_answered_by(1, roll_back))
    _figures("push to the first answer", pushes)
    _figures("rollback to the first answer", rollbacks)

    assert set(clients.answers) == {"200"}, clients.answers
    assert clients.answers["200"] > 50 * TURNS
