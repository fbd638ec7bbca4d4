"""From GitHub's webhook to a live version, with the real stack; GitHub itself is a git server and an HTTP receiver."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from storage.registry import Job, JobState
from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer
from tests.support.models import EXAMPLE, write_classifier
from tests.support.receiver import Received, Receiver, Reply, receiver
from tests.support.registry_of import jobs, live, log_of
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

SECRET = "hook-secret"


class Github:
    """The repository, the API and the webhook's sender."""

    def __init__(self, stack: RunningStack, server: GitServer, api: Receiver, clone: Clone) -> None:
        self.stack = stack
        self.server = server
        self.api = api
        self.clone = clone

    def deliver(
        self, delivery: str, commit: str, secret: str = SECRET, *, branch: str = "main", deleted: bool = False
    ) -> httpx.Response:
        push = {"ref": f"refs/heads/{branch}", "after": commit, "deleted": deleted}
        body = json.dumps({**push, "repository": {"full_name": "acme/market"}}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        }
        return httpx.post(f"{self.stack.gateway_url}/hooks/github", content=body, headers=headers, timeout=10)

    def jobs(self) -> list[Job]:
        return jobs(self.stack, "market")

    def job_over(self, number: int) -> Job:
        def over() -> Job | None:
            job = next(job for job in self.jobs() if job.id == number)
            return job if job.is_over else None

        found = wait_until(over, 90, f"the end of job {number}")
        assert found is not None
        return found

    def told(self, commit: str, last: str) -> list[tuple[str, str]]:
        """Kinds and states of what GitHub was told, once it was told the last."""

        def told() -> list[tuple[str, str]]:
            found = [
                ("commit" if "/statuses/" in each.path else "deployment", each.json()["state"])
                for each in self.api.received
                if f"/statuses/{commit}" in each.path or "/deployments/7/statuses" in each.path
            ]
            return found if found[-1:] == [("deployment", last)] else []

        return wait_until(told, 15, f"GitHub to be told {last}")


def _accepting(_request: Received, _before: int) -> Reply:
    return Reply(201, body=b'{"id": 7}')


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Github]:
    scratch = tmp_path_factory.mktemp("github")
    server = GitServer(scratch / "server")
    server.start()
    clone = Clone(scratch / "w", server.url("source"))
    write_classifier(clone.folder)
    clone.commit()
    given: dict[str, Any] = {
        "github_repository": "acme/market",
        "github_secret": SECRET,
        "github_token": TOKEN,
        "github_previews": True,
        "github_clone_url": server.url("source", None),
    }
    try:
        # That remote takes no commits to main, since it has no deployer; the webhook names the branch all the same.
        assert clone.push("main:refs/tags/upstream").code == 0
        with receiver(script=_accepting) as api:
            given["github_api_url"] = f"http://127.0.0.1:{api.port}"
            with running_stack(scratch, **given) as stack:
                yield Github(stack, server, api, clone)
    finally:
        server.child.stop()


def test_a_wrong_signature_changes_nothing(github: Github) -> None:
    answer = github.deliver("d-0", github.clone.git("rev-parse", "HEAD"), secret="guessed")

    assert answer.status_code == 401
    assert github.jobs() == []
    assert github.api.received == []


def test_a_push_goes_live_once_although_the_repository_was_away_and_the_delivery_came_twice(github: Github) -> None:
    commit = github.clone.git("rev-parse", "HEAD")
    github.server.child.stop()
    first = github.deliver("d-1", commit)
    again = github.deliver("d-1", commit)
    number = first.json()["job"]
    wait_until(
        lambda: any("Attempt 1 of" in text for text in log_of(github.stack, number)), 30, "the first attempt to fail"
    )
    github.server.start()
    job = github.job_over(number)

    assert (first.status_code, first.json()["status"]) == (202, "queued")
    assert again.json() == {"status": "seen", "reason": "", "job": number}
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert job.attempts > 1
    assert [each.id for each in github.jobs()] == [number]
    models = github.stack.json("models")
    assert [(model["model"], model["live"], len(model["versions"])) for model in models] == [("market", 1, 1)]
    answer = wait_until(lambda: _predict(github.stack), 10, "the gateway to route to it")
    assert answer is not None
    assert answer["version"] == 1
    assert github.told(commit, "success") == [
        ("commit", "pending"),
        ("deployment", "in_progress"),
        ("commit", "success"),
        ("deployment", "success"),
    ]


def test_another_branch_is_a_preview_until_it_is_deleted(github: Github) -> None:
    commit = github.clone.git("rev-parse", "HEAD")
    job = github.job_over(github.deliver("d-p", commit, branch="trial").json()["job"])
    url = f"{github.stack.gateway_url}/v1/models/market/previews/trial/predict"
    answered = httpx.post(url, json=EXAMPLE, timeout=10)
    told = wait_until(lambda: _last_status(github, commit, "tidegate/market/preview"), 15, "GitHub to be told")
    environments = [each.json()["environment"] for each in github.api.received if each.path.endswith("/deployments")]
    gone = github.deliver("d-q", "0" * 40, branch="trial", deleted=True)
    again = github.deliver("d-r", "0" * 40, branch="trial", deleted=True)

    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert (answered.status_code, answered.json()["version"]) == (200, 2)
    assert told == {"description": "Version 2 is the preview of trial", "target_url": url}
    assert environments[-1] == "preview/trial"
    assert (gone.status_code, gone.json()["status"], again.json()["status"]) == (200, "removed", "ignored")
    wait_until(lambda: httpx.post(url, json=EXAMPLE, timeout=10).status_code == 404, 5, "the end of the preview")
    assert live(github.stack, "market") == 1


def test_a_commit_that_cannot_be_served_is_told_and_changes_nothing(github: Github) -> None:
    (github.clone.folder / "reference.csv").symlink_to("/etc/passwd")
    commit = github.clone.commit("A link")
    # Kept from the remote's own check by going around it: this is what another host would have taken.
    repository = github.server.root / "default" / "source.git"
    github.clone.git("push", "--quiet", str(repository), "main:refs/tags/hostile")
    job = github.job_over(github.deliver("d-2", commit).json()["job"])

    assert job.state is JobState.FAILED
    assert "reference.csv is a symbolic link" in str(job.error)
    assert job.attempts == 1
    assert github.told(commit, "failure")[-2:] == [("commit", "failure"), ("deployment", "failure")]
    assert live(github.stack, "market") == 1
    assert list((github.stack.settings.home_path / "staging").glob("job-*")) == []


def _last_status(github: Github, commit: str, context: str) -> dict[str, Any] | None:
    """Of those that say success."""
    found = [each.json() for each in github.api.received if each.path.endswith(f"/statuses/{commit}")]
    of_context = [each for each in found if each["context"] == context and each["state"] == "success"]
    return {key: of_context[-1][key] for key in ("description", "target_url")} if of_context else None


def _predict(stack: RunningStack) -> dict[str, Any] | None:
    answer = httpx.post(f"{stack.gateway_url}/v1/models/market/predict", json=EXAMPLE, timeout=10)
    found: dict[str, Any] = answer.json()
    return found if answer.status_code == 200 else None
