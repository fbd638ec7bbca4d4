"""GitHub's webhook: whose delivery is believed, and which of them mean something."""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.github import GithubConfig, github_router, is_signed

SECRET = "It's a Secret to Everybody"
COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "after": COMMIT,
    "deleted": False,
    "repository": {"full_name": "acme/market"},
}


def test_githubs_published_vector() -> None:
    """From https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert is_signed(SECRET, b"Hello, World!", signature)
    assert not is_signed(SECRET, b"Hello, World?", signature)
    assert not is_signed("another", b"Hello, World!", signature)
    assert not is_signed(SECRET, b"Hello, World!", signature.removeprefix("sha256="))
    assert not is_signed(SECRET, b"Hello, World!", "sha256=é")
    assert not is_signed(SECRET, b"Hello, World!", None)


def _config(folder: Path, *, previews: bool = False) -> GithubConfig:
    # Nobody listens there: what reaches the deployer is answered with 503.
    socket = folder / "nobody.sock"
    return GithubConfig(secret=SECRET, repository="Acme/market", branch="main", deployer=socket, previews=previews)


def _post(config: GithubConfig | None, body: bytes, **headers: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(github_router(config))

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tidegate") as client:
            return await client.post("/hooks/github", content=body, headers=headers)

    return asyncio.run(post())


def _deliver(
    folder: Path, event: str, content: Any, headers: dict[str, str] | None = None, *, previews: bool = False
) -> httpx.Response:
    body = json.dumps(content).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    told = {"X-Hub-Signature-256": signature, "X-GitHub-Event": event, "X-GitHub-Delivery": "72d3162e-cc78-11e3"}
    return _post(_config(folder, previews=previews), body, **{**told, **(headers or {})})


def test_a_wrong_signature_is_refused_whatever_the_body_is(tmp_path: Path) -> None:
    answers = [
        _deliver(tmp_path, "push", PUSH, {"X-Hub-Signature-256": "sha256=00"}),
        _post(_config(tmp_path), b"no JSON", **{"X-GitHub-Event": "push"}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert "TIDEGATE_GITHUB_SECRET" in answers[0].json()["reason"]


def test_ping_is_answered(tmp_path: Path) -> None:
    answer = _deliver(tmp_path, "ping", {"zen": "Keep it logically awesome."})

    assert (answer.status_code, answer.json()["status"]) == (200, "pong")


@pytest.mark.parametrize(
    ("event", "change", "why"),
    [
        ("push", {"ref": "refs/tags/v1"}, "no branch"),
        ("push", {"ref": "refs/heads/trial"}, "only main goes live"),
        ("push", {"deleted": True, "after": "0" * 40}, "was deleted"),
        ("push", {"repository": {"full_name": "acme/other"}}, "is not the repository"),
        ("pull_request", {}, "only the event push"),
    ],
)
def test_what_means_nothing_here_is_ignored(tmp_path: Path, event: str, change: dict[str, Any], why: str) -> None:
    answer = _deliver(tmp_path, event, {**PUSH, **change})

    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert why in answer.json()["reason"]


def test_with_previews_another_branch_and_its_end_are_for_the_deployer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens: what reaches the deployer is answered with 503, what does not with 200."""
    monkeypatch.setattr("gateway.github.PATIENCE_S", 0.1)
    trial = {**PUSH, "ref": "refs/heads/trial"}
    gone = {"deleted": True, "after": "0" * 40}

    assert _deliver(tmp_path, "push", trial, previews=True).status_code == 503
    assert _deliver(tmp_path, "push", {**trial, **gone}, previews=True).status_code == 503
    assert _deliver(tmp_path, "push", {**PUSH, **gone}, previews=True).json()["status"] == "ignored"
    assert "TIDEGATE_GITHUB_PREVIEWS" in _deliver(tmp_path, "push", trial).json()["reason"]


def test_what_is_no_push_event_is_refused(tmp_path: Path) -> None:
    assert _deliver(tmp_path, "push", {"ref": "refs/heads/main"}).status_code == 400
    assert _deliver(tmp_path, "push", PUSH, {"X-GitHub-Delivery": ""}).status_code == 400


def test_without_a_deployer_github_is_asked_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.github.PATIENCE_S", 0.1)
    answer = _deliver(tmp_path, "push", PUSH)

    assert answer.status_code == 503
    assert "redeliver it" in answer.json()["reason"]


def test_where_github_is_not_set_up_it_says_how(tmp_path: Path) -> None:
    answer = _post(None, b"{}")

    assert answer.status_code == 404
    assert "TIDEGATE_GITHUB_SECRET" in answer.json()["reason"]
