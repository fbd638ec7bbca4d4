"""Bodies and headers that come to the gateway."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import zstandard
from fastapi import FastAPI

from gateway.bodies.compressed import unpacked
from gateway.bodies.instance_form import Form
from gateway.bodies.json_body import decode
from gateway.bodies.recognised_rows import recognised
from gateway.bodies.requests import parse_batch, read_headers
from gateway.edge.token import bearer_of, password_of
from gateway.git.body import Body, BodyRefusedError
from gateway.git.content.tree import parse_pointer
from gateway.git.lfs.batch import Batch, LfsError
from gateway.git.lfs.protocol import _decode
from gateway.github.hook_connection import GithubConfig, HookConnection
from gateway.github.signatures import is_signed
from gateway.github.webhook import github_router
from gateway.management.errors import handle_errors
from gateway.management.versions import versions_router
from gateway.refusals import Refusal
from model_runner.schema.instances import InstanceChecker
from model_runner.wire.frames import Request, encode_frame
from storage.clickhouse_server.http_compression import choose_encoding
from stream.delivery.retry import retry_after
from tests.support.decoders.samples import NOW, ROW, SCHEMA, SECRET
from tests.support.fuzzing import Decoder


def bodies(scratch: Path, runner: asyncio.Runner) -> Iterator[Decoder]:
    checker = InstanceChecker(SCHEMA)
    form = Form(frozenset(SCHEMA.names), SCHEMA.names, ROW)
    encoder = msgspec.json.Encoder()

    def predict(body: bytes) -> None:
        """As the gateway does with it: every instance goes to the runner (422 where it overflows) and into an event."""
        instances = parse_batch(body, form, 100).instances
        if checker.check(instances) is None:
            encode_frame(Request(1, "predict", instances))
        encoder.encode(instances)

    one, many = json.dumps(ROW).encode(), json.dumps({"instances": [ROW, ROW | {"income": None}]}).encode()
    split = json.dumps({"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}}).encode()
    tensors = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [value]} for name, value in ROW.items()]
    lists = json.dumps({"instances": [list(ROW.values())]}).encode()
    seldon = {"data": {"names": list(ROW), "ndarray": [list(ROW.values())]}}
    yield Decoder("gateway: predict", [one, many, split, lists], predict, (Refusal, OverflowError))
    foreign = [json.dumps(body).encode() for body in ({"inputs": tensors}, seldon, {"inputs": [ROW]})]
    yield Decoder("gateway: predict, shown", foreign, lambda body: recognised(decode(body), form), (Refusal,))
    for coding, packed in ((b"gzip", gzip.compress(many, mtime=0)), (b"zstd", zstandard.compress(many))):
        unpack = partial(unpacked, coding=coding, max_bytes=10_000)
        yield Decoder(f"gateway: predict, {coding.decode()}", [packed], unpack, (Refusal,))
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": "ab" * 32, "size": 123}]}
    body = json.dumps(batch).encode()
    yield Decoder("gateway: Git LFS batch", [body], lambda data: _decode(data, Batch), (LfsError,))
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"
    yield Decoder("gateway: Git LFS pointer", [pointer], parse_pointer)
    commands = b"".join(
        f"{len(line) + 4:04x}{line}".encode()
        for line in (f"{'00' * 20} {'6d' * 20} refs/heads/main\0 report-status side-band-64k", "push-option=a")
    )
    push_body = commands + b"0000" + b"PACK\0\0\0\2\0\0\0\0"
    for encoding, pushed in ((None, push_body), ("gzip", gzip.compress(push_body, mtime=0))):
        yield Decoder(f"gateway: git push, {encoding or 'plain'}", [pushed], _pushed(encoding), (BodyRefusedError,))
    hook = _App(_hook(scratch), runner)
    push = {"ref": "refs/heads/main", "after": "6d" * 20, "deleted": False, "repository": {"full_name": "acme/other"}}
    yield Decoder("gateway: GitHub's push", [json.dumps(push).encode()], hook.push)
    api = _App(_management(), runner)
    shares = json.dumps({"shares": [{"version": 7, "weight": 90}, {"version": 6, "weight": 10.5}]}).encode()
    yield Decoder("gateway: management API", [shares], api.traffic)


def _pushed(encoding: str | None) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        body = Body(is_push=True, encoding=encoding, max_bytes=1_000_000)
        for at in range(0, len(data), 50):
            for _ in body.feed(data[at : at + 50]):
                pass

    return read


def _hook(scratch: Path) -> FastAPI:
    app = FastAPI()
    app.include_router(github_router(GithubConfig(_Connected(), scratch / "nobody.sock")))
    return app


def _management() -> FastAPI:
    app = FastAPI()
    app.include_router(versions_router(cast(Any, _Nobody())))
    handle_errors(app)
    return app


class _Connected:
    """To every repository, by a branch that nobody pushes to."""

    def of_repository(self, repository: str) -> list[HookConnection]:
        return [HookConnection(1, SECRET, f"of {repository}", "default", "market")]


class _Nobody:
    """Refuses whatever reaches it."""

    def traffic(self, *_: object) -> None:
        raise Refusal(404, "unknown_model", "there is none")


class _App:
    """Asked without a network. Any status but 5xx is an answer."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
        self._runner = runner

    def push(self, body: bytes) -> None:
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-github-event": "push", "x-github-delivery": "d-1", "x-hub-signature-256": signature}
        self._post("/hooks/github", body, headers)

    def traffic(self, body: bytes) -> None:
        self._post("/api/v1/models/m/traffic", body, {"content-type": "application/json"})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        answer = self._runner.run(self._client.post(path, content=body, headers=headers))
        if answer.status_code >= 500:
            raise AssertionError(f"{answer.status_code}: {answer.text}")


def headers() -> Iterator[Decoder]:
    lengths = [b"12345", b"0"]
    yield Decoder("header: Content-Length", lengths, lambda data: read_headers([(b"content-length", data)]))
    accepted = [b"gzip;q=0.5, zstd, br;q=1.0", b"lz4"]
    yield Decoder("header: Accept-Encoding", accepted, lambda data: choose_encoding(data.decode("latin-1")))
    basic = b"Basic " + base64.b64encode(b"git:tg_abcdef")

    def authorization(value: bytes) -> None:
        headers = [(b"authorization", value)]
        bearer_of(headers)
        password_of(headers)
        read_headers([(b"content-length", value), (b"x-request-id", value), (b"content-encoding", value)])

    yield Decoder("header: Authorization", [basic, b"Bearer tg_abcdef"], authorization)
    signature = "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    yield Decoder(
        "header: X-Hub-Signature-256",
        [signature.encode()],
        lambda data: is_signed(SECRET, b"{}", data.decode("latin-1")),
    )
    dates = [b"Fri, 15 Jan 2027 08:00:30 GMT", b"Friday, 15-Jan-27 08:00:30 GMT", b"Fri Jan 15 08:00:30 2027", b"120"]
    yield Decoder(
        "header: Retry-After",
        dates,
        lambda data: _finite(retry_after(data.decode("latin-1"), NOW, data[::-1].decode("latin-1"))),
    )


def _finite(seconds: float | None) -> None:
    assert seconds is None or 0 <= seconds < 1e12
