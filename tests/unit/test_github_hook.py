"""GitHub's webhook: whose delivery is believed, and which of them mean something."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.github.hook_connection import GithubConfig, HookConnection
from gateway.github.signatures import is_signed
from gateway.github.webhook import github_router

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


class Source:
    """Connections by the name of their repository, and what was asked for."""

    def __init__(self, **connections: list[HookConnection]) -> None:
        self._connections = connections
        self.asked: list[str] = []

    def of_repository(self, repository: str) -> list[HookConnection]:
        self.asked.append(repository)
        return self._connections.get(repository.lower().replace("/", "_"), [])


def _config(folder: Path, *, previews: bool = False, others: Sequence[HookConnection] = ()) -> GithubConfig:
    # Nobody listens there: what reaches the deployer is answered with 503.
    market = HookConnection(1, SECRET, "main", "default", "market", previews)
    return GithubConfig(Source(acme_market=[market, *others]), folder / "nobody.sock")


def _post(config: GithubConfig, body: bytes, **headers: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(github_router(config))

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tidegate") as client:
            return await client.post("/hooks/github", content=body, headers=headers)

    return asyncio.run(post())


def _deliver(
    folder: Path,
    event: str,
    content: Any,
    headers: dict[str, str] | None = None,
    *,
    previews: bool = False,
    others: Sequence[HookConnection] = (),
) -> httpx.Response:
    body = json.dumps(content).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    told = {"X-Hub-Signature-256": signature, "X-GitHub-Event": event, "X-GitHub-Delivery": "72d3162e-cc78-11e3"}
    return _post(_config(folder, previews=previews, others=others), body, **{**told, **(headers or {})})


def test_whoever_cannot_sign_learns_nothing(tmp_path: Path) -> None:
    """A wrong signature, a repository that nobody knows, and no JSON at all: one answer."""
    strangers = {**PUSH, "repository": {"full_name": "acme/other"}}
    answers = [
        _deliver(tmp_path, "push", PUSH, {"X-Hub-Signature-256": "sha256=00"}),
        _deliver(tmp_path, "push", strangers),
        _deliver(tmp_path, "ping", {"zen": "Keep it logically awesome."}),
        _post(_config(tmp_path), b"no JSON", **{"X-GitHub-Event": "push"}),
        _post(_config(tmp_path), b'{"repository": {"full_name": "caf\xe9"}}'),
        _post(_config(tmp_path), b"payload=%7B%22repository%22"),
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert "tidegate github connect OWNER/NAME --model MODEL" in answers[0].json()["reason"]
    assert "application/json" in answers[0].json()["reason"]


def test_a_delivery_is_for_every_model_whose_secret_it_bears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.github.webhook.PATIENCE_S", 0.1)
    loans = HookConnection(2, SECRET, "release", "default", "loans")
    foreign = HookConnection(3, "another secret of it", "main", "default", "foreign")
    answer = _deliver(tmp_path, "push", PUSH, others=(loans, foreign))

    assert answer.status_code == 503
    found = [(each["model"], each["status"]) for each in answer.json()["models"]]
    assert found == [("market", "refused"), ("loans", "ignored")]


def test_ping_is_answered(tmp_path: Path) -> None:
    answer = _deliver(
        tmp_path, "ping", {"zen": "Keep it logically awesome.", "repository": {"full_name": "acme/Market"}}
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "pong")


@pytest.mark.parametrize(
    ("event", "change", "why"),
    [
        ("push", {"ref": "refs/tags/v1"}, "no branch"),
        ("push", {"ref": "refs/heads/trial"}, "only main goes live"),
        ("push", {"deleted": True, "after": "0" * 40}, "was deleted"),
        ("push", {"ref": "refs/heads/\u202emain"}, "cannot be shown"),
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
    monkeypatch.setattr("gateway.github.webhook.PATIENCE_S", 0.1)
    trial = {**PUSH, "ref": "refs/heads/trial"}
    gone = {"deleted": True, "after": "0" * 40}

    assert _deliver(tmp_path, "push", trial, previews=True).status_code == 503
    assert _deliver(tmp_path, "push", {**trial, **gone}, previews=True).status_code == 503
    assert _deliver(tmp_path, "push", {**PUSH, **gone}, previews=True).json()["status"] == "ignored"
    assert "--previews" in _deliver(tmp_path, "push", trial).json()["reason"]


def test_what_is_no_push_event_is_refused(tmp_path: Path) -> None:
    assert _deliver(tmp_path, "push", {"ref": 1, "repository": PUSH["repository"]}).status_code == 400
    assert _deliver(tmp_path, "push", PUSH, {"X-GitHub-Delivery": ""}).status_code == 400


def test_without_a_deployer_github_is_asked_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.github.webhook.PATIENCE_S", 0.1)
    answer = _deliver(tmp_path, "push", PUSH)

    assert answer.status_code == 503
    assert "redeliver it" in answer.json()["reason"]
