"""Pushes that meet others, are killed, cancelled or refused at the last moment: live or not live, never half."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storage.registry import Job, Status
from tests.support.git_client import Clone, finished, remote_url
from tests.support.market import change, pushed_repository, remote_main, stages
from tests.support.models import EXAMPLE, write_test_rows
from tests.support.registry_of import job_of, jobs, live, statuses
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

SLOW_TO_LOAD = "import time\n\ntime.sleep(60)\n\n\ndef predict(rows):\n    return [0.0 for _ in rows]\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    # One place for jobs: whoever holds it while it waits for others stops everything.
    with running_stack(tmp_path_factory.mktemp("races"), concurrent_builds=1) as running:
        yield running


@pytest.fixture(scope="module")
def market(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return pushed_repository(stack, tmp_path_factory.mktemp("market"), plain=True)


class Jobs:
    """The jobs of the management API as its owner asks for them."""

    def __init__(self, stack: RunningStack) -> None:
        self.url = f"{stack.gateway_url}/api/v1/jobs"
        self._headers = {"Authorization": f"Bearer {stack.settings.token_path.read_text().strip()}"}

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self._headers, timeout=40)

    def cancel(self, number: int) -> httpx.Response:
        return httpx.post(f"{self.url}/{number}/cancel", headers=self._headers, timeout=40)


def test_a_forced_push_is_the_next_version(stack: RunningStack, market: Clone) -> None:
    version = live(stack, "market")
    write_test_rows(market.folder, [EXAMPLE, {**EXAMPLE, "price": -1.0}])
    market.git("add", "--all")
    market.git("commit", "--quiet", "--amend", "--message", "History rewritten")
    plain, forced = market.push(), market.push("--force", "main")

    assert plain.code != 0
    assert "rejected" in plain.output
    assert forced.code == 0, forced
    assert live(stack, "market") > version, "a preview may have taken a number in between"


def test_of_two_pushes_at_once_one_goes_live_and_the_other_is_told(
    stack: RunningStack, market: Clone, tmp_path: Path
) -> None:
    version = live(stack, "market")
    other = Clone(tmp_path / "other", remote_url(stack, "market"))
    other.git("pull", "--quiet", "tidegate", "main")
    commits = {change(market, 0.3), change(other, 0.7)}
    started = [clone.start_push() for clone in (market, other)]
    pushes = [finished(process) for process in started]

    assert sorted(push.code for push in pushes) == [0, 1], pushes
    lost = next(push for push in pushes if push.code)
    assert "another push moved main meanwhile: `git pull`" in lost.told or "fetch first" in lost.output
    assert remote_main(market) in commits
    assert live(stack, "market") == version + 1
    assert Status.STARTING not in statuses(stack, "market")
    market.git("fetch", "--quiet", "tidegate", "main")
    market.git("reset", "--quiet", "--hard", "FETCH_HEAD")


def test_pushes_of_several_branches_at_once_all_come_to_their_end(
    stack: RunningStack, market: Clone, tmp_path: Path
) -> None:
    """The second branch of the first push comes after the job of the other push, which waits for the first push."""
    version, known = live(stack, "market"), len(jobs(stack, "market"))
    other = Clone(tmp_path / "other", remote_url(stack, "market"))
    other.git("pull", "--quiet", "tidegate", "main")
    change(market, 0.21)
    first = market.start_push("--atomic", "main", "main:one")
    wait_until(lambda: len(jobs(stack, "market")) > known, 60, "the first job")
    second = finished(other.start_push("HEAD:refs/heads/two"))
    pushed = finished(first)

    assert [pushed.code, second.code] == [0, 0], [pushed, second]
    assert pushed.told.index("main goes live:") < pushed.told.index("one becomes a preview:")
    assert pushed.told.count("✓ switch") == 2, "both branches are at one commit, and each has a job"
    assert live(stack, "market") != version
    for branch in ("one", "two"):
        url = f"{stack.gateway_url}/v1/models/market/previews/{branch}/predict"
        assert httpx.post(url, json=EXAMPLE, timeout=60).status_code == 200
    assert [job.branch for job in jobs(stack, "market")[: len(jobs(stack, "market")) - known]][-1] == "main"
    assert Status.STARTING not in statuses(stack, "market")


def test_each_ref_of_a_push_is_decided_for_itself(stack: RunningStack, market: Clone) -> None:
    before, main = live(stack, "market"), remote_main(market)
    market.git("switch", "--quiet", "--create", "broken")
    (market.folder / "predict.py").unlink()
    (market.folder / "model.joblib").write_bytes(b"no model")
    market.commit("A broken model")
    market.git("switch", "--quiet", "main")
    refs = (":main", ":one", ":two", "broken", "main:three", "main:refs/tags/kept", "main:refs/notes/kept")
    pushed = market.push(*refs)
    listed = market.git("ls-remote", "tidegate").split()[1::2]
    whole = market.push("--atomic", "broken", "main:refs/tags/not-kept", "broken:refs/tags/nor-that")

    assert pushed.code == 1, pushed
    assert "main is what is live: it is not deleted" in pushed.told
    assert "✗ scan" in pushed.told
    assert "! refused: main, broken. The rest of the push is taken" in pushed.told
    assert "two is removed, and its preview with it" in pushed.told
    assert "kept is kept; tags deploy nothing" in pushed.told
    assert "refs/notes/kept is kept; what is not below refs/heads/ deploys nothing" in pushed.told
    assert "is the preview of three" in pushed.told
    assert sorted(listed) == ["HEAD", "refs/heads/main", "refs/heads/three", "refs/notes/kept", "refs/tags/kept"]
    assert (live(stack, "market"), remote_main(market)) == (before, main)
    assert whole.code == 1
    assert "not-kept" not in market.git("ls-remote", "tidegate")
    assert list((stack.settings.home_path / "staging").glob("push-*")) == []
    assert Status.STARTING not in statuses(stack, "market")


def test_a_push_that_git_refuses_at_the_last_moment_leaves_the_live_version(stack: RunningStack, market: Clone) -> None:
    """All was prepared, but the branch could not be moved: traffic must not go where git did not."""
    before, main = live(stack, "market"), remote_main(market)
    change(market, 0.9)
    lock = stack.settings.home_path / "git" / "default" / "market.git" / "refs" / "heads" / "main.lock"
    lock.touch()
    pushed = market.push()
    lock.unlink()
    over = wait_until(lambda: [job for job in jobs(stack, "market")[:1] if job.state == "failed"], 20, "the job's end")

    assert pushed.code != 0
    assert "switch" not in stages(pushed)
    assert "git did not take the commit" in str(over[0].error)
    assert (live(stack, "market"), remote_main(market)) == (before, main)
    assert Status.STARTING not in statuses(stack, "market")


def test_a_client_that_is_killed_while_it_sends_leaves_nothing(stack: RunningStack, market: Clone) -> None:
    before, main, known = live(stack, "market"), remote_main(market), len(jobs(stack, "market"))
    url = httpx.URL(remote_url(stack, "market"))
    request = httpx.Request(
        "POST",
        f"{url}/git-receive-pack",
        headers={"Content-Type": "application/x-git-receive-pack-request", "Transfer-Encoding": "chunked"},
    )
    auth = httpx.BasicAuth(url.username, url.password)
    signed = next(auth.sync_auth_flow(request))
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
    command = f"{main} {'1' * 40} refs/heads/main\0 report-status side-band-64k agent=x"
    body = f"{len(command) + 4:04x}{command}0000".encode() + b"PACK\0\0\0\2\0\0\0\3" + os.urandom(5000)
    with socket.create_connection(("127.0.0.1", stack.settings.gateway_port)) as connection:
        connection.sendall(f"POST {url.path}/git-receive-pack HTTP/1.1\r\n{head}\r\n".encode())
        connection.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    wait_until(lambda: not _backends(stack), 10, "git to end")

    assert (live(stack, "market"), remote_main(market), len(jobs(stack, "market"))) == (before, main, known)


def _backends(stack: RunningStack) -> list[int]:
    import psutil

    gateway = psutil.Process(stack.pid("gateway"))
    return [child.pid for child in gateway.children(recursive=True)]


def test_a_client_that_is_killed_while_it_waits_has_pushed(stack: RunningStack, market: Clone) -> None:
    version = live(stack, "market")
    known = len(jobs(stack, "market"))
    commit = change(market, 0.45)
    process = market.start_push()
    job = wait_until(lambda: _newer(jobs(stack, "market"), known), 30, "the job")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    wait_until(lambda: live(stack, "market") != version, 90, "the version to be live")
    assert job is not None
    assert job.commit == commit
    wait_until(lambda: job_of(stack, job.id).is_over, 30, "its last words")
    assert remote_main(market) == commit


def _newer(found: list[Job], known: int) -> Job | None:
    """The newest of these jobs, where there are more than there were."""
    return found[0] if len(found) > known else None


def test_a_job_is_cancelled(stack: RunningStack, market: Clone) -> None:
    before, main = live(stack, "market"), remote_main(market)
    good = market.git("rev-parse", "HEAD")
    known = len(jobs(stack, "market"))
    (market.folder / "predict.py").write_text(SLOW_TO_LOAD)
    market.commit("A model that takes its time")
    process = market.start_push()
    job = wait_until(lambda: _newer(jobs(stack, "market"), known), 30, "the job")
    assert job is not None
    wait_until(lambda: job_of(stack, job.id).stage == "environment", 60, "its model to be loaded")
    answer = Jobs(stack).cancel(job.id)
    pushed = finished(process)
    market.git("reset", "--quiet", "--hard", good)

    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "cancelled"
    assert pushed.code != 0
    assert "✗ cancelled" in pushed.told
    assert (live(stack, "market"), remote_main(market)) == (before, main)
    assert Status.STARTING not in statuses(stack, "market")
    refused = stack.tidegate("cancel", str(job.id), check=False)
    assert refused.returncode == 1
    assert "has cancelled already" in refused.stderr


def test_a_branch_that_is_cancelled_while_it_waits_for_the_others_of_its_push_is_not_taken(
    stack: RunningStack, market: Clone
) -> None:
    before, main, known = live(stack, "market"), remote_main(market), len(jobs(stack, "market"))
    commit = change(market, 0.66)
    process = market.start_push("main", "main:late")
    second = wait_until(lambda: _newer(jobs(stack, "market"), known + 1), 90, "the second job")
    assert second is not None
    answer = Jobs(stack).cancel(second.id - 1)
    pushed = finished(process)

    assert answer.status_code == 200, answer.text
    assert pushed.code == 1, pushed
    assert "✗ cancelled" in pushed.told
    assert "! refused: main. The rest of the push is taken" in pushed.told
    assert "is the preview of late" in pushed.told
    assert (live(stack, "market"), remote_main(market)) == (before, main)
    assert market.git("ls-remote", "tidegate", "refs/heads/late").startswith(commit)
    assert Status.STARTING not in statuses(stack, "market")


def test_jobs_are_listed_followed_and_refused_over_the_api(stack: RunningStack, market: Clone) -> None:
    api = Jobs(stack)
    newest = api.get("?model=market&state=succeeded&limit=1").json()["jobs"][0]
    log = api.get(f"/{newest['id']}/log").json()
    rest = api.get(f"/{newest['id']}/log?after={log['lines'][0]['number']}&wait_s=20").json()

    assert newest == api.get(f"/{newest['id']}").json()
    assert log["is_over"] is True
    assert log["lines"][0]["text"].startswith("✓ receive")
    assert rest["lines"] == log["lines"][1:]
    assert [job["state"] for job in api.get("?state=queued").json()["jobs"]] == []
    for path, status, code in (
        ("/999", 404, "unknown_job"),
        ("/999/log", 404, "unknown_job"),
        ("?state=odd", 422, "invalid_request"),
    ):
        refused = api.get(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert httpx.post(f"{api.url}/{newest['id']}/cancel").status_code == 401
    over = api.cancel(newest["id"])
    assert (over.status_code, over.json()["error"]["code"]) == (409, "wrong_state")
    operation = httpx.get(f"{stack.gateway_url}/openapi.json").json()["paths"]["/api/v1/jobs/{job}/cancel"]["post"]
    assert {"200", "401", "404", "409", "503"} <= set(operation["responses"])
