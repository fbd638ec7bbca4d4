"""The few calls of the Kubernetes API that are needed, through the official client. All of them block."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from tidegate.pods.manifests import APPLIED, Manifest

TIMEOUT_S = (3.0, 15.0)
"""To connect, and for an answer."""
WATCH_S = 60
"""After which a watch is begun anew, from a full list: what a broken connection swallowed is found again."""
CONFLICT, NOT_FOUND = 409, 404


class ClusterError(Exception):
    """The API server does not do what it is asked; the message says what and why."""


class Cluster:
    """One namespace. May be shared by threads."""

    def __init__(self, namespace: str) -> None:
        """Finds the cluster as kubectl does, or by the service account of the pod that this runs in.

        Raises:
            ClusterError: there is no configuration.
        """
        self._namespace = namespace
        api = client.ApiClient(_configuration())
        # Its models are half typed: every field may be None. What is read here is always there.
        apps: Any = client.AppsV1Api(api)
        core: Any = client.CoreV1Api(api)
        self._apps, self._core = apps, core
        self._discovery: Any = client.DiscoveryV1Api(api)
        self._create: dict[str, Callable[..., Any]] = {
            "Deployment": apps.create_namespaced_deployment,
            "Service": core.create_namespaced_service,
            "Secret": core.create_namespaced_secret,
        }
        self._read: dict[str, Callable[..., Any]] = {
            "Deployment": apps.read_namespaced_deployment,
            "Service": core.read_namespaced_service,
            "Secret": core.read_namespaced_secret,
        }
        self._patch: dict[str, Callable[..., Any]] = {
            "Deployment": apps.patch_namespaced_deployment,
            "Service": core.patch_namespaced_service,
            "Secret": core.patch_namespaced_secret,
        }

    def apply(self, manifest: Manifest) -> str:
        """Create the object, or bring the one that is there up to date; its uid.

        Raises:
            ClusterError: the API server refused it, or cannot be reached.
        """
        kind, metadata = manifest["kind"], manifest["metadata"]
        with _Explained(f"apply {kind} {metadata['name']}"):
            try:
                made = self._create[kind](self._namespace, manifest, _request_timeout=TIMEOUT_S)
            except ApiException as error:
                if error.status != CONFLICT:
                    raise
                made = self._read[kind](metadata["name"], self._namespace, _request_timeout=TIMEOUT_S)
                if (made.metadata.annotations or {}).get(APPLIED) != metadata["annotations"][APPLIED]:
                    made = self._patch[kind](metadata["name"], self._namespace, manifest, _request_timeout=TIMEOUT_S)
            return str(made.metadata.uid)

    def deployments(self, selector: str) -> list[str]:
        """Names. Raises ClusterError."""
        with _Explained("list Deployments"):
            found = self._apps.list_namespaced_deployment(
                self._namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        return [str(one.metadata.name) for one in found.items]

    def delete(self, name: str) -> None:
        """Delete a Deployment, and with it all that it owns. One that is gone is no error. Raises ClusterError."""
        with _Explained(f"delete Deployment {name}"):
            try:
                self._apps.delete_namespaced_deployment(
                    name, self._namespace, propagation_policy="Background", _request_timeout=TIMEOUT_S
                )
            except ApiException as error:
                if error.status != NOT_FOUND:
                    raise

    def pods(self, selector: str) -> list[Any]:
        """V1Pod objects. Raises ClusterError."""
        with _Explained("list Pods"):
            found = self._core.list_namespaced_pod(self._namespace, label_selector=selector, _request_timeout=TIMEOUT_S)
        return list(found.items)

    def slices(self, selector: str) -> tuple[list[Any], str]:
        """V1EndpointSlice objects, and the version from which they can be watched. Raises ClusterError."""
        with _Explained("list EndpointSlices"):
            found = self._discovery.list_namespaced_endpoint_slice(
                self._namespace, label_selector=selector, _request_timeout=TIMEOUT_S
            )
        return list(found.items), str(found.metadata.resource_version)

    def watch_slices(self, selector: str, version: str) -> Iterator[tuple[str, Any]]:
        """Changes (ADDED, MODIFIED or DELETED, and the object) for a minute at most, as they happen.

        Raises:
            ClusterError: the connection broke, or the version is too old.
        """
        watching: Any = watch.Watch()  # type: ignore[no-untyped-call]
        with _Explained("watch EndpointSlices"):
            stream = watching.stream(
                self._discovery.list_namespaced_endpoint_slice,
                self._namespace,
                label_selector=selector,
                resource_version=version,
                timeout_seconds=WATCH_S,
                _request_timeout=(TIMEOUT_S[0], WATCH_S + TIMEOUT_S[1]),
            )
            for event in stream:
                yield str(event["type"]), event["object"]


def _configuration() -> Any:
    """Raises ClusterError."""
    found: Any = client.Configuration()
    given = os.environ.get("KUBECONFIG")
    try:
        if given or Path("~/.kube/config").expanduser().exists():
            config.load_kube_config(config_file=given, client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, TypeError) as error:
        raise ClusterError(f"no Kubernetes configuration: set KUBECONFIG, or run in a pod ({error})") from error
    return found


class _Explained:
    """What went wrong in one sentence, without what was sent: a Secret may be in it."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ApiException):
            raise ClusterError(f"cannot {self._what}: {_said(error)}") from None
        if error is not None and not isinstance(error, (GeneratorExit, KeyboardInterrupt, ClusterError)):
            raise ClusterError(f"cannot {self._what}: {type(error).__name__}") from error


def _said(error: ApiException) -> str:
    with suppress(ValueError, TypeError):
        status = json.loads(error.body or "")
        if isinstance(status, dict) and status.get("message"):
            return f"{error.status} {status['message']}"
    return f"{error.status} {error.reason}"
