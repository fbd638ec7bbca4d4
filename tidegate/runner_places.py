"""Where the runners of deployments answer, and with which token: for all in Tidegate but the gateway's data plane."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway.edge.token import load_or_make
from gateway.routing.replica_names import replica_name
from storage.registry import Deployment
from tidegate.parts.readiness import AddressReady, Readiness, SocketReady
from tidegate.settings import Settings, secret_of
from tidegate.sockets import runner_socket

_PURPOSE = b"tidegate runner token "


@dataclass(frozen=True)
class RunnerPlaces:
    run_path: Path
    token_of: Callable[[str], str] = field(repr=False)
    """Of a deployment, by its id."""

    def probes(self, found: Deployment) -> list[Readiness] | None:
        """One for each runner that a deployment should have; None while it is not known where they are."""
        if found.addresses is None:
            return [SocketReady(runner_socket(self.run_path, name)) for name in _names(found)]
        if len(found.addresses) < found.replicas:
            return None
        return [AddressReady(address, self.token_of(found.id)) for address in found.addresses]

    def one_of(self, found: Deployment) -> tuple[str, str | None]:
        """Address and token of any runner of a live deployment."""
        if found.addresses:
            return found.addresses[0], self.token_of(found.id)
        return str(runner_socket(self.run_path, found.id)), None


def runner_token(key: str, deployment_id: str) -> str:
    """A deployment's own token. Whoever knows it learns neither the key nor another's."""
    return hmac.new(key.encode(), _PURPOSE + deployment_id.encode(), hashlib.sha256).hexdigest()


def token_source(settings: Settings) -> Callable[[str], str]:
    """Derives tokens from TIDEGATE_RUNNER_KEY, or from a key that is made in the home folder when it is first needed.

    The function raises gateway.edge.token.TokenError where that file cannot be used.
    """
    return partial(_token, secret_of(settings.runner_key), settings.home_path / "runner-key")


def runner_places(settings: Settings) -> RunnerPlaces:
    return RunnerPlaces(settings.run_path, token_source(settings))


def _token(given: str | None, path: Path, deployment_id: str) -> str:
    return runner_token(given or load_or_make(path).reveal(), deployment_id)


def _names(found: Deployment) -> list[str]:
    return [replica_name(found.id, number) for number in range(found.replicas)]
