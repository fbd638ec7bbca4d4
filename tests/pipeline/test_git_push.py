"""`git push` as a user does it, with the real stack: what is told, what goes live, and what never may."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.deployer_client import ask
from gateway.deployer_protocol import Cancel, Ended
from storage.clickhouse.client import connect
from storage.registry import JobState, Status
from tests.support.git_client import Clone, Pushed, finished, remote_url
from tests.support.models import EXAMPLE, FEATURES, write_classifier, write_test_rows
from tests.support.registry_of import jobs, live, statuses
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until
from tidegate.sockets import deployer_socket

SLOW_TO_LOAD = "import time\n\ntime.sleep(60)\n\n\ndef predict(rows):\n    return [0.0 for _ in rows]\n"
STAGES = ["receive", "check", "scan", "environment", "load", "test predictions", "profile", "start", "switch"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("push")) as running:
        yield running


@pytest.fixture(scope="module")
def market(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository of `market`, pushed once: version 1 is live."""
    clone = _clone(stack, tmp_path_factory.mktemp("market"))
    pushed = clone.push()
    assert pushed.code == 0, pushed
    return clone


def _clone(stack: RunningStack, folder: Path, model: str = "market") -> Clone:
    clone = Clone(folder / model, remote_url(stack, model))
    toml = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_classifier(clone.folder, toml=f"[features]\n{toml}")
    clone.commit()
    return clone


def _stages(pushed: Pushed) -> list[str]:
    return [found[1].strip() for line in pushed.remote if (found := re.match(r"✓ (.+?)\s+\d+\.\d\d s", line))]


def _remote_main(clone: Clone) -> str:
    return clone.git("ls-remote", "tidegate", "refs/heads/main").partition("\t")[0]


def _change(clone: Clone, value: float = 0.1) -> str:
    """Other test rows: another commit that can be deployed."""
    write_test_rows(clone.folder, [{**EXAMPLE, "price": value}])
    return clone.commit("Other rows")


def test_a_first_push_becomes_an_api_whose_event_is_stored(stack: RunningStack, tmp_path: Path) -> None:
    clone = _clone(stack, tmp_path, "first")
    pushed = clone.push()

    assert pushed.code == 0, pushed
    assert _stages(pushed) == STAGES
    url = f"{stack.gateway_url}/v1/models/first/predict"
    assert f"first version 1 is live: POST {url}" in pushed.told
    command = next(line for line in pushed.remote if line.strip().startswith("curl "))
    wait_until(lambda: httpx.post(url, json=EXAMPLE).status_code == 200, 10, "the gateway to route to it")
    answer = json.loads(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
    assert answer["prediction"]["class"] == "UP"
    assert answer["version"] == 1
    _assert_stored(stack, answer["request_id"])
    (job,) = stack.json("jobs", "first")
    assert (job["state"], job["version"], job["branch"]) == ("succeeded", 1, "main")
    assert stack.json("jobs", "--log", str(job["id"]))["log"][0]["text"].startswith("✓ receive")


def _assert_stored(stack: RunningStack, request_id: str) -> None:
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    query = "SELECT features['price'] FROM inference_events WHERE request_id = {id:String}"
    try:
        rows = wait_until(
            lambda: client.query(query, parameters={"id": request_id}).result_rows, 20, "the event in ClickHouse"
        )
    finally:
        client.close()
    assert float(rows[0][0]) == EXAMPLE["price"]


def test_a_second_push_says_what_changed_and_a_third_without_change_does_nothing(
    stack: RunningStack, market: Clone
) -> None:
    version = live(stack, "market")
    (market.folder / "tidegate.toml").write_text(
        '[features]\nprice = "numeric"\ndemand = "numeric"\ntransfer = { type = "numeric", nullable = false }\n'
    )
    market.commit("transfer is never missing")
    pushed = market.push()

    assert pushed.code == 0, pushed
    assert f"against version {version}: the input schema changed" in pushed.told
    assert "~ transfer: numeric: number or null → numeric: number" in pushed.told
    assert "1 test rows: the same predictions" in pushed.told
    known = len(jobs(stack, "market"))

    again = market.push()

    assert again.code == 0
    assert "Everything up-to-date" in again.output
    assert len(jobs(stack, "market")) == known
    assert live(stack, "market") == version + 1


def test_a_bad_repository_is_refused_with_the_fix_and_the_live_version_stays(
    stack: RunningStack, market: Clone
) -> None:
    before, main = live(stack, "market"), _remote_main(market)
    good = market.git("rev-parse", "HEAD")
    (market.folder / "model.joblib").write_bytes(b"no model")
    market.commit("A broken model")
    pushed = market.push()
    market.git("reset", "--quiet", "--hard", good)

    assert pushed.code != 0
    assert "✗ scan" in pushed.told
    assert "model.joblib" in pushed.told
    assert "Nothing was switched: the version that was live still is." in pushed.told
    assert "pre-receive hook declined" in pushed.output
    assert live(stack, "market") == before
    assert _remote_main(market) == main
    assert jobs(stack, "market")[0].state == "failed"
    assert jobs(stack, "market")[0].attempts == 1


def test_a_name_that_is_not_the_repositorys_is_refused_before_anything_is_loaded(
    stack: RunningStack, market: Clone
) -> None:
    good = market.git("rev-parse", "HEAD")
    (market.folder / "tidegate.toml").write_text('name = "another"\n')
    market.commit("Another name")
    pushed = market.push()
    market.git("reset", "--quiet", "--hard", good)

    assert pushed.code != 0
    assert "name is 'another', but this repository is that of 'market'" in pushed.told
    assert "load" not in _stages(pushed)


def test_links_and_submodules_are_refused(stack: RunningStack, market: Clone, tmp_path: Path) -> None:
    good, known = market.git("rev-parse", "HEAD"), len(jobs(stack, "market"))
    (market.folder / "reference.csv").symlink_to(stack.settings.home_path / "token")
    market.commit("A link to a secret")
    link = market.push()
    link_on_a_branch = market.push("HEAD:refs/heads/other")
    market.git("reset", "--quiet", "--hard", good)
    market.git("update-index", "--add", "--cacheinfo", f"160000,{good},library")
    market.git("commit", "--quiet", "--message", "A submodule")
    submodule = market.push()
    market.git("reset", "--quiet", "--hard", good)

    assert [link.code, link_on_a_branch.code, submodule.code] == [1, 1, 1]
    assert "reference.csv is a symbolic link: replace it by what it points to" in link.told
    assert "reference.csv is a symbolic link" in link_on_a_branch.told
    assert "library is a submodule: copy its files into the repository" in submodule.told
    secret = (stack.settings.home_path / "token").read_text().strip()
    assert secret not in link.output.replace(remote_url(stack, "market"), "")
    assert len(jobs(stack, "market")) == known
    assert list((stack.settings.home_path / "staging").glob("push-*")) == []


def test_a_wrong_token_gets_nothing(stack: RunningStack, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", remote_url(stack, "secret", token="tg_wrong"))
    write_classifier(clone.folder)
    clone.commit()
    pushed = clone.push()
    bare = httpx.get(f"{stack.gateway_url}/git/default/market.git/info/refs?service=git-upload-pack")

    assert pushed.code != 0
    assert "Authentication failed" in pushed.output
    assert not (stack.settings.home_path / "git" / "default" / "secret.git").exists()
    assert bare.status_code == 401
    assert bare.headers["www-authenticate"].startswith("Basic ")
    assert bare.headers["content-type"].startswith("text/plain")


def test_a_name_that_cannot_be_is_refused_in_words(stack: RunningStack, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", remote_url(stack, "No%20Name"))
    (clone.folder / "x").write_text("x")
    clone.commit()
    pushed = clone.push()

    assert pushed.code != 0
    assert "'No Name' cannot be a model's or a workspace's name" in pushed.told


def test_another_branch_is_a_preview_that_goes_with_it(stack: RunningStack, market: Clone) -> None:
    before = live(stack, "market")
    url = f"{stack.gateway_url}/v1/models/market/previews/trial/predict"
    # More than 1 MiB: git sends it in chunks, without a length.
    (market.folder / "weights.bin").write_bytes(os.urandom(3_000_000))
    market.git("switch", "--quiet", "--create", "trial")
    market.commit("A trial")
    pushed, tagged = market.push("trial"), market.push("HEAD:refs/tags/v1")
    listed = market.git("ls-remote", "--heads", "tidegate", "trial")
    answered = httpx.post(url, json=EXAMPLE, timeout=10)
    deleted = market.push("--delete", "trial")
    wait_until(lambda: httpx.post(url, json=EXAMPLE, timeout=10).status_code == 404, 5, "the end of the preview")
    main_deleted = market.push("--delete", "main")
    market.git("switch", "--quiet", "main")

    assert [pushed.code, tagged.code, deleted.code] == [0, 0, 0]
    assert f"is the preview of trial: POST {url}" in pushed.told
    assert answered.status_code == 200, answered.text
    assert "trial is removed, and its preview with it" in deleted.told
    assert "tags deploy nothing" in tagged.told
    assert listed.endswith("refs/heads/trial")
    assert market.git("ls-remote", "--heads", "tidegate", "trial") == ""
    assert main_deleted.code != 0
    assert "main is what is live: it is not deleted" in main_deleted.told
    assert _remote_main(market) != ""
    assert live(stack, "market") == before


def test_a_large_file_comes_by_git_lfs(stack: RunningStack, tmp_path: Path) -> None:
    clone = _clone(stack, tmp_path, "large")
    content = (clone.folder / "model.joblib").read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    (clone.folder / "model.joblib").write_text(pointer)
    clone.commit("By LFS")
    missing = clone.push()
    url = httpx.URL(remote_url(stack, "large"))
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    asked = httpx.post(f"{url}/info/lfs/objects/batch", json=batch)
    upload = asked.json()["objects"][0]["actions"]["upload"]
    httpx.put(upload["href"], headers=upload["header"], content=content).raise_for_status()
    pushed = clone.push()

    assert missing.code != 0
    assert "model.joblib is a Git LFS pointer, but its object" in missing.told
    assert "git lfs push --all tidegate" in missing.told
    assert pushed.code == 0, pushed
    assert live(stack, "large") == 1


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
    commits = {_change(market, 0.3), _change(other, 0.7)}
    started = [clone.start_push() for clone in (market, other)]
    pushes = [finished(process) for process in started]

    assert sorted(push.code for push in pushes) == [0, 1], pushes
    lost = next(push for push in pushes if push.code)
    assert "another push moved main meanwhile: `git pull`" in lost.told or "fetch first" in lost.output
    assert _remote_main(market) in commits
    assert live(stack, "market") == version + 1
    assert Status.STARTING not in statuses(stack, "market")
    market.git("fetch", "--quiet", "tidegate", "main")
    market.git("reset", "--quiet", "--hard", "FETCH_HEAD")


def test_a_push_that_git_refuses_at_the_last_moment_leaves_the_live_version(stack: RunningStack, market: Clone) -> None:
    """All was prepared, but the branch could not be moved: traffic must not go where git did not."""
    before, main = live(stack, "market"), _remote_main(market)
    _change(market, 0.9)
    lock = stack.settings.home_path / "git" / "default" / "market.git" / "refs" / "heads" / "main.lock"
    lock.touch()
    pushed = market.push()
    lock.unlink()
    over = wait_until(lambda: [job for job in jobs(stack, "market")[:1] if job.state == "failed"], 20, "the job's end")

    assert pushed.code != 0
    assert "switch" not in _stages(pushed)
    assert "git did not take the commit" in str(over[0].error)
    assert (live(stack, "market"), _remote_main(market)) == (before, main)
    assert Status.STARTING not in statuses(stack, "market")


def test_a_client_that_is_killed_while_it_sends_leaves_nothing(stack: RunningStack, market: Clone) -> None:
    before, main, known = live(stack, "market"), _remote_main(market), len(jobs(stack, "market"))
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

    assert (live(stack, "market"), _remote_main(market), len(jobs(stack, "market"))) == (before, main, known)


def _backends(stack: RunningStack) -> list[int]:
    import psutil

    gateway = psutil.Process(stack.pid("gateway"))
    return [child.pid for child in gateway.children(recursive=True)]


def test_a_client_that_is_killed_while_it_waits_has_pushed(stack: RunningStack, market: Clone) -> None:
    version = live(stack, "market")
    known = len(jobs(stack, "market"))
    commit = _change(market, 0.45)
    process = market.start_push()
    wait_until(lambda: len(jobs(stack, "market")) > known, 30, "the job")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    wait_until(lambda: live(stack, "market") != version, 90, "the version to be live")
    assert jobs(stack, "market")[0].commit == commit
    assert _remote_main(market) == commit


def test_a_job_is_cancelled(stack: RunningStack, market: Clone) -> None:
    before, main = live(stack, "market"), _remote_main(market)
    good = market.git("rev-parse", "HEAD")
    known = len(jobs(stack, "market"))
    (market.folder / "predict.py").write_text(SLOW_TO_LOAD)
    market.commit("A model that takes its time")
    process = market.start_push()
    job = wait_until(lambda: jobs(stack, "market")[: len(jobs(stack, "market")) - known], 30, "the job")[0].id
    wait_until(lambda: jobs(stack, "market")[0].state is JobState.RUNNING, 30, "the job to run")
    answer = next(iter(ask(deployer_socket(stack.settings.run_path), Cancel(job))))
    pushed = finished(process)
    market.git("reset", "--quiet", "--hard", good)

    assert isinstance(answer, Ended)
    assert answer.state == "cancelled"
    assert pushed.code != 0
    assert "✗ cancelled" in pushed.told
    assert (live(stack, "market"), _remote_main(market)) == (before, main)
    assert Status.STARTING not in statuses(stack, "market")
    refused = stack.tidegate("cancel", str(job), check=False)
    assert refused.returncode == 1
    assert "has cancelled already" in refused.stderr
