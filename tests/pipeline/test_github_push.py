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
from tests.support.models import EXAMPLE, PLAIN, write_plain
from tests.support.receiver import Received, Receiver, Reply, receiver
from tests.support.registry_of import job_of, jobs, live, log_of
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

    def take(self, refs: str, *, model: str = "source") -> None:
        """What another host would have taken: around the remote's own checks, since it has no deployer."""
        repository = self.server.root / "default" / f"{model}.git"
        self.clone.git("push", "--quiet", "--force", str(repository), refs)

    def deliver(
        self,
        delivery: str,
        commit: str,
        secret: str = SECRET,
        *,
        branch: str = "main",
        deleted: bool = False,
        repository: str = "acme/market",
    ) -> httpx.Response:
        push = {"ref": f"refs/heads/{branch}", "after": commit, "deleted": deleted}
        body = json.dumps({**push, "repository": {"full_name": repository}}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        }
        return httpx.post(f"{self.stack.gateway_url}/hooks/github", content=body, headers=headers, timeout=60)

    def jobs(self) -> list[Job]:
        return jobs(self.stack, "market")

    def job_over(self, number: int) -> Job:
        def over() -> Job | None:
            job = job_of(self.stack, number)
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
    write_plain(clone.folder)
    clone.commit()
    given: dict[str, Any] = {
        "github_repository": "acme/market",
        "github_secret": SECRET,
        "github_token": TOKEN,
        "github_previews": True,
        "github_clone_url": server.url("source", None),
    }
    try:
        # That remote takes no commits to main, since it has no deployer.
        assert clone.push("main:refs/tags/upstream").code == 0
        clone.git("push", "--quiet", str(server.root / "default" / "source.git"), "main:main")
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
    seen = {"status": "seen", "reason": "", "job": number}
    assert again.json() == {**seen, "models": [{"workspace": "default", "model": "market", **seen}]}
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert job.attempts > 1
    assert [each.id for each in github.jobs()] == [number]
    models = github.stack.json("models")["models"]
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
    github.take("main:trial")
    job = github.job_over(github.deliver("d-p", commit, branch="trial").json()["job"])
    url = f"{github.stack.gateway_url}/v1/models/market/previews/trial/predict"
    answered = httpx.post(url, json=EXAMPLE, timeout=60)
    told = wait_until(lambda: _last_status(github, commit, "tidegate/market/preview"), 15, "GitHub to be told")
    environments = [each.json()["environment"] for each in github.api.received if each.path.endswith("/deployments")]
    gone = github.deliver("d-q", "0" * 40, branch="trial", deleted=True)
    again = github.deliver("d-r", "0" * 40, branch="trial", deleted=True)

    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert (answered.status_code, answered.json()["version"]) == (200, 2)
    assert told == {"description": "Version 2 is the preview of trial", "target_url": url}
    assert environments[-1] == "preview/trial"
    assert (gone.status_code, gone.json()["status"], again.json()["status"]) == (200, "removed", "ignored")
    wait_until(lambda: httpx.post(url, json=EXAMPLE, timeout=60).status_code == 404, 5, "the end of the preview")
    assert live(github.stack, "market") == 1


def test_a_commit_that_cannot_be_served_is_told_and_changes_nothing(github: Github) -> None:
    (github.clone.folder / "reference.csv").symlink_to("/etc/passwd")
    commit = github.clone.commit("A link")
    github.take("main:main")
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
    answer = httpx.post(f"{stack.gateway_url}/v1/models/market/predict", json=EXAMPLE, timeout=60)
    found: dict[str, Any] = answer.json()
    return found if answer.status_code == 200 else None


def test_an_old_delivery_does_not_bring_an_old_commit_back(github: Github) -> None:
    """Signed long ago, with a delivery id that nobody has seen."""
    (github.clone.folder / "reference.csv").unlink(missing_ok=True)
    old = github.clone.commit("Good again")
    github.take("main:main")
    assert github.job_over(github.deliver("d-3", old).json()["job"]).state is JobState.SUCCEEDED
    before = live(github.stack, "market")
    new = github.clone.commit("Newer")
    github.take("main:main")
    assert github.job_over(github.deliver("d-4", new).json()["job"]).state is JobState.SUCCEEDED
    stale = github.job_over(github.deliver("d-5", old).json()["job"])

    assert stale.state is JobState.FAILED
    assert f"main is at {new[:12]} there, and this push brought {old[:12]}" in str(stale.error)
    assert stale.attempts == 1
    assert live(github.stack, "market") == before + 1


SLOW = """
import time

def load(folder):
    time.sleep(3)
    return 1

def predict(model, rows):
    return [{"class": "UP", "score": 1.0} for _ in rows]
"""


def test_a_branch_that_moves_on_while_a_job_is_at_work_is_not_switched(github: Github) -> None:
    before = live(github.stack, "market")
    (github.clone.folder / "predict.py").write_text(SLOW, "utf-8")
    slow = github.clone.commit("Slow to load")
    github.take("main:main")
    number = github.deliver("d-6", slow).json()["job"]
    wait_until(lambda: job_of(github.stack, number).stage in ("scan", "environment"), 60, "the job to be at its load")
    (github.clone.folder / "predict.py").write_text(PLAIN, "utf-8")
    github.clone.commit("Quick again")
    github.take("main:main")
    job = github.job_over(number)

    assert job.state is JobState.FAILED
    assert "an older commit is not deployed" in str(job.error)
    assert live(github.stack, "market") == before


def test_models_of_a_monorepo_are_deployed_by_their_folders(github: Github) -> None:
    """Connected by the command and by the API; each is deployed only when its folder changed."""
    stack = github.stack
    mono = Clone(github.clone.folder.parent / "mono", github.server.url("mono"))
    features = "".join(f'{name} = "numeric"\n' for name in EXAMPLE)
    for model in ("loans", "cards"):
        write_plain(mono.folder / "models" / model, toml=f"[features]\n{features}")
    first = mono.commit("Two models")
    assert mono.push("main:refs/tags/upstream").code == 0
    repository = str(github.server.root / "default" / "mono.git")
    mono.git("push", "--quiet", repository, "main:main")
    token_file = stack.settings.home_path / "github-token"
    token_file.write_text(f"{TOKEN}\n")
    by_command = ("--clone-url", github.server.url("mono", None), "--token-file", str(token_file))

    def connect(repository: str, model: str) -> str:
        place = ("--model", model, "--path", f"models/{model}")
        return stack.tidegate("github", "connect", repository, *place, *by_command).stdout

    made = connect("Acme/Mono", "loans")
    secret = next(line.split()[-1] for line in made.splitlines() if line.strip().startswith("Secret"))
    api = f"{stack.gateway_url}/api/v1/github/connections"
    bearer = {"Authorization": f"Bearer {stack.settings.token_path.read_text().strip()}"}
    body = {"repository": "acme/mono", "model": "cards", "path": "models/cards", "token": TOKEN}
    refused = httpx.post(api, json={**body, "clone_url": "file:///etc"}, headers=bearer)
    connected = httpx.post(api, json=body, headers=bearer)

    assert "/hooks/github" in made
    assert len(secret) == 64
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_connection")
    assert (connected.status_code, connected.json()["secret"]) == (201, None)
    assert httpx.post(api, json=body).status_code == 401
    # The API names no address of this machine; the command may.
    assert "has its secret already" in connect("acme/mono", "cards")
    listed = httpx.get(api, headers=bearer).json()["connections"]
    assert [(each["repository"], each["model"], each["path"]) for each in listed] == [
        ("acme/market", "market", ""),
        ("acme/mono", "cards", "models/cards"),
        ("Acme/Mono", "loans", "models/loans"),
    ]
    assert not any(text in json.dumps(listed) + stack.tidegate("github", "list").stdout for text in (secret, TOKEN))

    def deliver(delivery: str, commit: str) -> dict[str, Job]:
        answer = github.deliver(delivery, commit, secret, repository="acme/mono")
        assert answer.status_code == 202, answer.text
        return {each["model"]: github.job_over(each["job"]) for each in answer.json()["models"]}

    assert github.deliver("m-0", first, SECRET, repository="acme/mono").status_code == 401
    both = deliver("m-1", first)
    (mono.folder / "models" / "loans" / "notes.txt").write_text("x")
    second = mono.commit("Only one of them")
    mono.git("push", "--quiet", repository, "main:main")
    one = deliver("m-2", second)

    succeeded = dict.fromkeys(("loans", "cards"), JobState.SUCCEEDED)
    assert {name: job.state for name, job in both.items()} == succeeded, [job.error for job in both.values()]
    assert {name: job.state for name, job in one.items()} == succeeded, [job.error for job in one.values()]
    assert (live(stack, "loans"), live(stack, "cards")) == (2, 1)
    assert any("nothing in models/cards changed" in text for text in log_of(stack, one["cards"].id))
    assert "no more" in stack.tidegate("github", "disconnect", "acme/mono", "--model", "cards").stdout
    assert [each["model"] for each in stack.json("github", "list")["connections"]] == ["market", "loans"]
