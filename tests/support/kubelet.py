"""What a cluster does with a Deployment: runs the commands of its pods, and lists those that are ready as endpoints.

The commands are run as they stand, but that the folders and the port of a pod become a pod's own on this machine.
"""

import base64
import os
import socket
import threading
import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.support.children import Child
from tests.support.kubernetes_api import ANSWERS, KubernetesApi, Object
from tests.support.ports import free_ports

EVERY_S = 0.05


class Kubelet:
    """Makes what runs what the Deployments say, until it is stopped."""

    def __init__(self, api: KubernetesApi, scratch: Path, env: dict[str, str]) -> None:
        self._api = api
        self._scratch = scratch
        self._env = env
        self._pods: dict[str, list[_Pod]] = {}
        self._made = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)
        for pod in [pod for pods in self._pods.values() for pod in pods]:
            pod.stop()

    def count(self) -> int:
        """Pods that there are."""
        return sum(len(pods) for pods in self._pods.values())

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._scratch.glob("pod-*/*.log")))

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._api.lock:
                deployments = [one for (plural, _), one in self._api.objects.items() if plural == "deployments"]
                names = {one["metadata"]["name"] for one in deployments}
            for name in self._pods.keys() - names:
                self._scale(name, None)
            for one in deployments:
                self._scale(one["metadata"]["name"], one)
            time.sleep(EVERY_S)

    def _scale(self, name: str, one: Object | None) -> None:
        wanted = 0 if one is None else one["spec"]["replicas"]
        pods = self._pods.setdefault(name, [])
        while len(pods) > wanted:
            pods.pop().stop()
        secret = self._api.objects.get(("secrets", name))
        if one is not None and secret is not None:
            while len(pods) < wanted:
                self._made += 1
                token = base64.b64decode(secret["data"]["token"])
                pods.append(_Pod(one, self._scratch / f"pod-{self._made}", token, self._env))
        if ("services", name) in self._api.objects:
            self._list_endpoints(name, [pod for pod in pods if pod.is_ready()])

    def _list_endpoints(self, name: str, ready: "list[_Pod]") -> None:
        """One slice for each pod, since each has its own port here."""
        wanted = {f"{name}-{pod.port}": pod.port for pod in ready}
        with self._api.lock:
            known = {key for plural, key in self._api.objects if plural == "endpointslices" and key.startswith(name)}
        for key in known - wanted.keys():
            self._api.put("endpointslices", self._api.objects["endpointslices", key], "DELETED")
        for key in wanted.keys() - known:
            one = deepcopy(ANSWERS["endpoint_slice"])
            one["metadata"]["name"] = key
            one["metadata"]["labels"]["kubernetes.io/service-name"] = name
            one["endpoints"] = one["endpoints"][:1]
            one["endpoints"][0]["addresses"] = ["127.0.0.1"]
            one["ports"][0]["port"] = wanted[key]
            self._api.put("endpointslices", one, "ADDED")


class _Pod:
    def __init__(self, deployment: Object, folder: Path, token: bytes, env: dict[str, str]) -> None:
        self.port = free_ports(1)[0]
        for name in ("model", "tmp", "token"):
            (folder / name).mkdir(parents=True)
        (folder / "token" / "token").write_bytes(token)
        spec = deployment["spec"]["template"]["spec"]
        self._init, self._main = (
            Child(self._here(container["command"], folder), folder, container["name"], env=env)
            for container in (*spec["initContainers"], *spec["containers"])
        )
        self._init.start()
        self._is_serving = False

    def is_ready(self) -> bool:
        """As the probe of the manifest: something listens on its port."""
        if not self._is_serving and not self._init.running:
            self._main.start()
            self._is_serving = True
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        for child in (self._init, self._main):
            child.stop()

    def _here(self, command: list[str], folder: Path) -> list[str]:
        changes: dict[str, Any] = {
            "/model": folder / "model",
            "/tmp/s": os.path.relpath(folder / "tmp" / "s", folder),
            "/run/tidegate/token": folder / "token" / "token",
            "tcp://0.0.0.0:8750": f"tcp://127.0.0.1:{self.port}",
        }
        return [str(changes.get(word, word)) for word in command]
