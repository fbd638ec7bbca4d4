"""What GitHub is told, over real HTTP."""

import asyncio

from tests.support.receiver import Received, Receiver, Reply, receiver
from tidegate.deployer.sources.github_api import GithubApi


async def _tell(api: GithubApi) -> int | None:
    await api.commit_status("c" * 40, "failure", "a\nb " + "word " * 60, "tidegate/market", "http://h/v1")
    deployment = await api.create_deployment("c" * 40, "production")
    if deployment is not None:
        await api.deployment_status(deployment, "success", "Version 3 is live", "http://h/v1")
    await api.close()
    return deployment


def _api(github: Receiver) -> GithubApi:
    return GithubApi(f"http://127.0.0.1:{github.port}", "acme/market", "ghp_x", pauses_s=(0.01, 0.01))


def test_a_status_and_a_deployment_are_written() -> None:
    def script(request: Received, _before: int) -> Reply:
        return Reply(201, body=b'{"id": 42}')

    with receiver(script=script) as github:
        assert asyncio.run(_tell(_api(github))) == 42
        status, made, success = github.received

    assert [each.path for each in (status, made, success)] == [
        f"/repos/acme/market/statuses/{'c' * 40}",
        "/repos/acme/market/deployments",
        "/repos/acme/market/deployments/42/statuses",
    ]
    assert status.headers["authorization"] == "Bearer ghp_x"
    assert status.json()["context"] == "tidegate/market"
    assert len(status.json()["description"]) == 140
    assert made.json()["required_contexts"] == []
    assert made.json()["auto_merge"] is False
    assert success.json() == {
        "state": "success",
        "description": "Version 3 is live",
        "environment_url": "http://h/v1",
    }


def test_a_github_that_stumbles_is_asked_again_and_one_that_refuses_is_not() -> None:
    paths: list[str] = []

    def counting(request: Received, _before: int) -> Reply:
        paths.append(request.path)
        if "statuses" in request.path:
            return Reply(502 if paths.count(request.path) == 1 else 201, body=b'{"id": 1}')
        return Reply(403, body=b"{}")

    with receiver(script=counting) as github:
        assert asyncio.run(_tell(_api(github))) is None

    assert paths == [*[f"/repos/acme/market/statuses/{'c' * 40}"] * 2, "/repos/acme/market/deployments"]
