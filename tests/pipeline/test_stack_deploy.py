"""Deploying with the real stack: versions, refusals, crashes, and a stack that is stopped and started again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.models import EXAMPLE, write_classifier
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    # It is stopped, and started again.
    with shared_stack.lend(parts_end=True) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("model") / "market")


def _predict(stack: RunningStack) -> httpx.Response:
    return httpx.post(f"{stack.gateway_url}/v1/models/market/predict", json={"instances": [EXAMPLE]}, timeout=60)


def _live_version(stack: RunningStack) -> int | None:
    models = {model["model"]: model for model in stack.json("models")["models"]}
    return models["market"]["live"] if "market" in models else None


def _deployment(stack: RunningStack) -> str:
    return next(str(model["deployment_id"]) for model in stack.json("models")["models"] if model["model"] == "market")


def _deploy(stack: RunningStack, folder: Path) -> int:
    done = stack.json("deploy", str(folder))
    assert _predict(stack).json()["version"] == done["version"], "said to be live, and not answered by it"
    return int(done["version"])


def test_a_folder_becomes_an_api_and_a_second_deploy_the_next_version(stack: RunningStack, folder: Path) -> None:
    first = stack.json("deploy", str(folder))
    second = _deploy(stack, folder)

    assert [stage["name"] for stage in first["stages"]][-3:] == ["profile", "start", "switch"]
    assert second == first["version"] + 1 == _live_version(stack)
    assert _predict(stack).status_code == 200
    # The one before stays warm for a rollback.
    assert len([name for name in stack.parts() if name.startswith("runner-")]) == 2


def test_a_refused_folder_says_why_and_leaves_the_live_version(
    stack: RunningStack, folder: Path, tmp_path: Path
) -> None:
    version = _deploy(stack, folder)
    broken = write_classifier(tmp_path / "market")
    (broken / "model.joblib").write_bytes(b"no model")

    refused = stack.tidegate("deploy", str(broken), check=False)

    assert refused.returncode == 5
    assert "model.joblib" in refused.stderr
    assert "the version that was live still is" in refused.stderr
    assert _live_version(stack) == version
    assert _predict(stack).json()["version"] == version


def test_the_cli_predicts_and_refuses_with_the_fields_name(stack: RunningStack, folder: Path, tmp_path: Path) -> None:
    version = _deploy(stack, folder)
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([EXAMPLE, EXAMPLE]))
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**EXAMPLE, "price": "dear"}))

    answered = stack.json("predict", "market", str(rows))
    refused = stack.tidegate("predict", "market", str(bad), check=False)
    unknown = stack.tidegate("predict", "markt", str(rows), check=False)

    assert answered["version"] == version
    assert len(answered["predictions"]) == 2
    assert refused.returncode == 5
    assert "price" in refused.stderr
    assert unknown.returncode == 4
    assert "market" in unknown.stderr


def test_a_killed_runner_is_back_at_once(stack: RunningStack, folder: Path) -> None:
    _deploy(stack, folder)
    name = f"runner-{_deployment(stack)}"

    killed = stack.kill(name)
    stack.wait_ready(name, other_than=killed)

    assert wait_until(lambda: _predict(stack).status_code == 200, 10, "an answer")


def test_what_was_live_is_live_and_watched_again_after_down_and_up(stack: RunningStack, folder: Path) -> None:
    version = _deploy(stack, folder)
    began = time.time()
    stack.tidegate("down")
    stack.tidegate("up")

    wait_until(lambda: _predict(stack).status_code == 200, 20, "an answer after the restart")

    assert _predict(stack).json()["version"] == version
    deployment = _deployment(stack)
    assert stack.parts()[f"runner-{deployment}"]["since"] > began
    assert _published(stack, deployment)


def _published(stack: RunningStack, deployment: str) -> bool:
    """Whether topic `deployments`, which the embedded broker had forgotten, holds it again."""
    from confluent_kafka import TopicPartition

    from stream.contracts.topics import Topic
    from tests.support.kafka import consumer, read

    reader = consumer(stack.settings.bootstrap, "look")
    reader.assign([TopicPartition(stack.settings.topics.name(Topic.DEPLOYMENTS), 0, 0)])
    try:
        # The live one and the one that is warm.
        return deployment.encode() in {message.key() for message in read(reader, 2)}
    finally:
        reader.close()
