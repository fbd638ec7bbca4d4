"""`git push` as a user does it, with the real stack: what is told, what goes live, and what never may."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storage.clickhouse.client import connect
from tests.support.git_client import Clone, remote_url
from tests.support.market import pushed_repository, remote_main, repository, stages
from tests.support.models import EXAMPLE, write_classifier
from tests.support.registry_of import jobs, live
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

_CHECKED = ["check", "scan", "environment", "load", "test predictions", "compare"]
MODEL = "many-pushes"
STAGES = ["receive", *_CHECKED, "profile", "start", "switch"]


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


@pytest.fixture(scope="module")
def market(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return pushed_repository(stack, tmp_path_factory.mktemp("market"), MODEL)


def test_a_first_push_becomes_an_api_whose_event_is_stored(stack: RunningStack, tmp_path: Path) -> None:
    clone = repository(stack, tmp_path, "first")
    pushed = clone.push()

    assert pushed.code == 0, pushed
    assert stages(pushed) == STAGES
    url = f"{stack.gateway_url}/v1/models/first/predict"
    assert f"first version 1 is live: POST {url}" in pushed.told
    command = next(line for line in pushed.remote if line.strip().startswith("curl "))
    wait_until(lambda: httpx.post(url, json=EXAMPLE).status_code == 200, 10, "the gateway to route to it")
    answer = json.loads(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
    assert answer["prediction"]["class"] == "UP"
    assert answer["version"] == 1
    _assert_stored(stack, answer["request_id"])
    (job,) = stack.json("jobs", "first")["jobs"]
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
    version = live(stack, MODEL)
    (market.folder / "tidegate.toml").write_text(
        '[features]\nprice = "numeric"\ndemand = "numeric"\ntransfer = { type = "numeric", nullable = false }\n'
    )
    market.commit("transfer is never missing")
    pushed = market.push()

    assert pushed.code == 0, pushed
    assert f"against version {version}: the input schema changed" in pushed.told
    assert "~ transfer: numeric: number or null → numeric: number" in pushed.told
    assert "1 test rows: the same predictions" in pushed.told
    known = len(jobs(stack, MODEL))

    again = market.push()

    assert again.code == 0
    assert "Everything up-to-date" in again.output
    assert len(jobs(stack, MODEL)) == known
    assert live(stack, MODEL) == version + 1

    market.commit("Nothing")
    empty = market.push()

    assert empty.code == 0, empty
    assert f"nothing changed: the files are those of version {version + 1}. `tidegate redeploy {MODEL}`" in empty.told
    assert live(stack, MODEL) == version + 2


def test_a_bad_repository_is_refused_with_the_fix_and_the_live_version_stays(
    stack: RunningStack, market: Clone
) -> None:
    before, main = live(stack, MODEL), remote_main(market)
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
    assert live(stack, MODEL) == before
    assert remote_main(market) == main
    assert jobs(stack, MODEL)[0].state == "failed"
    assert jobs(stack, MODEL)[0].attempts == 1


def test_a_name_that_is_not_the_repositorys_is_refused_before_anything_is_loaded(
    stack: RunningStack, market: Clone
) -> None:
    good = market.git("rev-parse", "HEAD")
    (market.folder / "tidegate.toml").write_text('name = "another"\n')
    market.commit("Another name")
    pushed = market.push()
    market.git("reset", "--quiet", "--hard", good)

    assert pushed.code != 0
    assert f"name is 'another', but this repository is that of '{MODEL}'" in pushed.told
    assert "load" not in stages(pushed)


def test_links_and_submodules_are_refused(stack: RunningStack, market: Clone, tmp_path: Path) -> None:
    good, known = market.git("rev-parse", "HEAD"), len(jobs(stack, MODEL))
    exports = _exports(stack)
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
    assert secret not in link.output.replace(remote_url(stack, MODEL), "")
    assert len(jobs(stack, MODEL)) == known
    assert _exports(stack) <= exports


def _exports(stack: RunningStack) -> set[Path]:
    """Files of commits that are to be deployed."""
    return set((stack.settings.home_path / "staging").glob("push-*"))


def test_a_wrong_token_gets_nothing(stack: RunningStack, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", remote_url(stack, "secret", token="tg_wrong"))
    write_classifier(clone.folder)
    clone.commit()
    pushed = clone.push()
    bare = httpx.get(f"{stack.gateway_url}/git/default/{MODEL}.git/info/refs?service=git-upload-pack")

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
    before = live(stack, MODEL)
    url = f"{stack.gateway_url}/v1/models/{MODEL}/previews/trial/predict"
    # More than 1 MiB: git sends it in chunks, without a length.
    (market.folder / "weights.bin").write_bytes(os.urandom(3_000_000))
    market.git("switch", "--quiet", "--create", "trial")
    market.commit("A trial")
    pushed, tagged = market.push("trial"), market.push("HEAD:refs/tags/v1")
    listed = market.git("ls-remote", "--heads", "tidegate", "trial")
    answered = httpx.post(url, json=EXAMPLE, timeout=60)
    deleted = market.push("--delete", "trial")
    wait_until(lambda: httpx.post(url, json=EXAMPLE, timeout=60).status_code == 404, 5, "the end of the preview")
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
    assert remote_main(market) != ""
    assert live(stack, MODEL) == before


def test_a_large_file_comes_by_git_lfs(stack: RunningStack, tmp_path: Path) -> None:
    clone = repository(stack, tmp_path, "by-lfs")
    content = (clone.folder / "model.joblib").read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    (clone.folder / "model.joblib").write_text(pointer)
    clone.commit("By LFS")
    missing = clone.push()
    url = httpx.URL(remote_url(stack, "by-lfs"))
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    asked = httpx.post(f"{url}/info/lfs/objects/batch", json=batch)
    upload = asked.json()["objects"][0]["actions"]["upload"]
    httpx.put(upload["href"], headers=upload["header"], content=content).raise_for_status()
    pushed = clone.push()

    assert missing.code != 0
    assert "model.joblib is a Git LFS pointer, but its object" in missing.told
    assert "git lfs push --all tidegate" in missing.told
    assert pushed.code == 0, pushed
    assert live(stack, "by-lfs") == 1
