"""Follows the endpoints of all Services of this Tidegate, in a thread: the official client's watch blocks."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from model_runner import watched
from tidegate.pods.cluster import Cluster, ClusterError
from tidegate.pods.states import ready_addresses

AGAIN_S = 1.0
"""After a watch that ended badly."""
SERVICE_LABEL = "kubernetes.io/service-name"

log = logging.getLogger("tidegate.supervisor")


class Watching:
    """Calls `tell` with the ready addresses of every Service, by its name, each time they may have changed."""

    def __init__(self, cluster: Cluster, selector: str, tell: Callable[[dict[str, tuple[str, ...]]], None]) -> None:
        self._cluster = cluster
        self._selector = selector
        self._tell = tell
        self._stopping = threading.Event()
        self._slices: dict[str, Any] = {}
        self.trouble: str | None = None

    def start(self) -> None:
        watched.keep_thread(self._run, "endpoints")

    def stop(self) -> None:
        """Tells no more. The thread ends by itself with its watch."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except ClusterError as error:
                if str(error) != self.trouble:
                    log.error("%s", error)
                self.trouble = str(error)
                self._stopping.wait(AGAIN_S)

    def _follow(self) -> None:
        """One list, and the changes after it. Raises ClusterError."""
        found, version = self._cluster.slices(self._selector)
        self._slices = {one.metadata.name: one for one in found}
        self.trouble = None
        self._report()
        for kind, one in self._cluster.watch_slices(self._selector, version):
            if self._stopping.is_set():
                return
            if kind == "DELETED":
                self._slices.pop(one.metadata.name, None)
            else:
                self._slices[one.metadata.name] = one
            self._report()

    def _report(self) -> None:
        by_service: dict[str, list[Any]] = {}
        for one in self._slices.values():
            service = (one.metadata.labels or {}).get(SERVICE_LABEL)
            if service is not None:
                by_service.setdefault(service, []).append(one)
        if not self._stopping.is_set():
            self._tell({service: ready_addresses(slices) for service, slices in by_service.items()})
