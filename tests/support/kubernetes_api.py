"""A small API server over real HTTP: it keeps what it is sent, and answers in the recorded form of the real one."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]

DATA = Path(__file__).parents[1] / "data" / "kubernetes"
ANSWERS: dict[str, Object] = json.loads((DATA / "answers.json").read_text())
_PATH = re.compile(r"/(?:api|apis/[\w.]+)/v1/namespaces/(?P<namespace>[\w-]+)/(?P<plural>\w+)(?:/(?P<name>[\w.-]+))?")
_LISTS = {
    "deployments": ("apps/v1", "DeploymentList"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSliceList"),
    "pods": ("v1", "PodList"),
}


@dataclass
class Asked:
    method: str
    plural: str
    name: str | None
    query: dict[str, str]
    content_type: str
    body: Any


@dataclass
class KubernetesApi:
    """What is in the cluster, and what was asked of it."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    """By plural and name."""
    asked: list[Asked] = field(default_factory=list)
    refusals: dict[tuple[str, str], str] = field(default_factory=dict)
    """Name of the recorded answer, by method and plural: what is refused instead of done."""
    changes: list[tuple[int, str, str, Object]] = field(default_factory=list)
    """Version, plural, kind of the event, and the object: what watches are told."""
    on_change: Callable[[str, Object], None] = lambda _plural, _one: None
    url: str = ""
    version: int = 1000
    lock: threading.RLock = field(default_factory=threading.RLock)
    closing: threading.Event = field(default_factory=threading.Event)

    def writes(self) -> list[tuple[str, str]]:
        return [(one.method, one.plural) for one in self.asked if one.method != "GET"]

    def put(self, plural: str, one: Object, event: str = "MODIFIED") -> Object:
        """As a controller of the cluster does it."""
        with self.lock:
            self.version += 1
            metadata = {**one["metadata"], "resourceVersion": str(self.version)}
            stored = {**one, "metadata": metadata}
            key = plural, metadata["name"]
            if event == "DELETED":
                self.objects.pop(key, None)
            else:
                self.objects[key] = stored
            self.changes.append((self.version, plural, event, stored))
        self.on_change(plural, stored)
        return stored

    def kubeconfig(self, path: Path, namespace: str = "models") -> Path:
        cluster = {"name": "c", "cluster": {"server": self.url}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": namespace}}
        user = {"name": "u", "user": {"token": "bearer-of-the-test"}}
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "x",
                    "clusters": [cluster],
                    "contexts": [context],
                    "users": [user],
                }
            )
        )
        return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: KubernetesApi

    def log_message(self, *_: Any) -> None:
        return

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_GET(self) -> None:
        asked = self._read()
        if asked.query.get("watch") == "true":
            self._watch(asked)
            return
        with self.api.lock:
            if asked.name is not None:
                found = self.api.objects.get((asked.plural, asked.name))
                self._answer(404, ANSWERS["not_found"]) if found is None else self._answer(200, found)
                return
            items = [one for (plural, _), one in self.api.objects.items() if plural == asked.plural]
            items = [one for one in items if _selected(one, asked.query.get("labelSelector", ""))]
            version, kind = _LISTS[asked.plural]
            metadata = {"resourceVersion": str(self.api.version)}
            self._answer(200, {"apiVersion": version, "kind": kind, "metadata": metadata, "items": items})

    def do_POST(self) -> None:
        asked = self._read()
        if self._refused(asked):
            return
        name = asked.body["metadata"]["name"]
        if (asked.plural, name) in self.api.objects:
            self._answer(409, ANSWERS["conflict"])
            return
        filled = {
            "uid": f"0f1e6f7e-5d0a-4a53-9a3e-{len(self.api.asked):012x}",
            "creationTimestamp": "2026-11-25T10:00:00Z",
            "generation": 1,
        }
        one = {**asked.body, "metadata": {**asked.body["metadata"], **filled}}
        if asked.plural == "deployments":
            one["status"] = {}
        self._answer(201, self.api.put(asked.plural, one, "ADDED"))

    def do_PATCH(self) -> None:
        asked = self._read()
        if self._refused(asked):
            return
        found = self.api.objects.get((asked.plural, asked.name or ""))
        if found is None:
            self._answer(404, ANSWERS["not_found"])
            return
        self._answer(200, self.api.put(asked.plural, _merged(found, asked.body)))

    def do_DELETE(self) -> None:
        asked = self._read()
        found = self.api.objects.get((asked.plural, asked.name or ""))
        if found is None:
            self._answer(404, ANSWERS["not_found"])
            return
        self.api.put(asked.plural, found, "DELETED")
        uid = found["metadata"]["uid"]
        owned = [
            (plural, one)
            for (plural, _), one in list(self.api.objects.items())
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", ()))
        ]
        for plural, one in owned:
            self.api.put(plural, one, "DELETED")
        self._answer(200, ANSWERS["deleted"])

    def _read(self) -> Asked:
        parts = urlsplit(self.path)
        match = _PATH.fullmatch(parts.path)
        assert match is not None, self.path
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        content_type = self.headers.get("Content-Type") or ""
        asked = Asked(self.command, match["plural"], match["name"], query, content_type, body)
        self.api.asked.append(asked)
        return asked

    def _refused(self, asked: Asked) -> bool:
        answer = self.api.refusals.get((asked.method, asked.plural))
        if answer is not None:
            self._answer(ANSWERS[answer]["code"], ANSWERS[answer])
        return answer is not None

    def _answer(self, status: int, content: Object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, asked: Asked) -> None:
        """Each change is a line of JSON in a chunk of its own."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        seen = int(asked.query["resourceVersion"])
        end = time.monotonic() + float(asked.query["timeoutSeconds"])
        gone = self.api.refusals.pop(("WATCH", asked.plural), None)
        if gone is not None:
            self._chunk({"type": "ERROR", "object": ANSWERS[gone]})
            end = 0.0
        while time.monotonic() < end and not self.api.closing.is_set():
            with self.api.lock:
                news = [change for change in self.api.changes if change[0] > seen and change[1] == asked.plural]
                seen = self.api.version
            for _, _, kind, one in news:
                if _selected(one, asked.query.get("labelSelector", "")):
                    self._chunk({"type": kind, "object": one})
            time.sleep(0.01)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, event: Object) -> None:
        line = json.dumps(event).encode() + b"\n"
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()


def _selected(one: Object, selector: str) -> bool:
    found = one["metadata"].get("labels", {})
    wanted = [term.split("=", 1) for term in selector.split(",") if term]
    return all(found.get(key) == value for key, value in wanted)


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return new


@contextmanager
def kubernetes_api() -> Iterator[KubernetesApi]:
    """It listens until the block ends."""
    api = KubernetesApi()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.closing.set()
        server.shutdown()
        server.server_close()
