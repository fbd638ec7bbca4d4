"""All connections: those of the registry, and the one of the settings."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import structlog

from gateway.edge.token import TokenError
from gateway.github.hook_connection import HookConnection
from model_runner.names import suggested_name
from storage import registry
from storage.registry import DEFAULT_WORKSPACE, Database, GithubConnection, UnknownConnectionError
from tidegate.github.connection import Connection
from tidegate.github.sealing import SealedError, Sealer, sealer_of
from tidegate.settings import Settings, secret_of

log = structlog.get_logger()

OF_SETTINGS = 0


class Connections:
    """Every method asks the registry, and may block."""

    def __init__(self, database: Database, home: Path, of_settings: Connection | None) -> None:
        self._database = database
        self._home = home
        self._of_settings = of_settings

    def get(self, number: int) -> Connection | None:
        """None where it was removed.

        Raises:
            SealedError: its secrets cannot be opened.
        """
        if number == OF_SETTINGS:
            return self._of_settings
        try:
            return self._opened(registry.get_github_connection(self._database, number))
        except UnknownConnectionError:
            return None

    def of_repository(self, repository: str) -> list[HookConnection]:
        """What a webhook of `owner/name` may be for; however it is spelt."""
        return [
            HookConnection(one.id, one.secret, one.branch, one.workspace, one.model, one.previews)
            for one in self._of(repository)
        ]

    def note_deployed(self, number: int, tree: str) -> None:
        if number != OF_SETTINGS:
            registry.note_deployed_tree(self._database, number, tree)

    def _of(self, repository: str) -> Iterator[Connection]:
        own = self._of_settings
        if own is not None and own.secret and own.repository.lower() == repository.lower():
            yield own
        for found in registry.github_connections(self._database, repository):
            try:
                yield self._opened(found)
            except SealedError as error:
                log.error("github.sealed", repository=found.repository, model=found.model, reason=str(error))

    @cached_property
    def _sealer(self) -> Sealer:
        return sealer_of(self._home)

    def _opened(self, found: GithubConnection) -> Connection:
        try:
            sealer = self._sealer
        except TokenError as error:
            raise SealedError(str(error)) from error
        return Connection(
            id=found.id,
            repository=found.repository,
            workspace=found.workspace,
            model=found.model,
            branch=found.branch,
            path=found.path,
            clone_url=found.clone_url,
            previews=found.previews,
            deployed_tree=found.deployed_tree,
            secret=sealer.open(found.secret),
            token=None if found.token is None else sealer.open(found.token),
            deploy_key=None if found.deploy_key is None else sealer.open(found.deploy_key),
        )


def connections_of(settings: Settings, database: Database) -> Connections:
    return Connections(database, settings.home_path, connection_of_settings(settings))


def connection_of_settings(settings: Settings) -> Connection | None:
    """TIDEGATE_GITHUB_REPOSITORY and what belongs to it; None where it is not set."""
    if settings.github_repository is None:
        return None
    key = None
    if settings.github_deploy_key is not None:
        with suppress(OSError):  # git says best that it is not there
            key = settings.github_deploy_key.expanduser().read_text("utf-8")
    return Connection(
        id=OF_SETTINGS,
        repository=settings.github_repository,
        workspace=DEFAULT_WORKSPACE,
        model=settings.github_model or suggested_name(settings.github_repository.partition("/")[2]),
        branch=settings.production_branch,
        clone_url=settings.github_clone_url,
        previews=settings.github_previews,
        secret=secret_of(settings.github_secret) or "",
        token=secret_of(settings.github_token),
        deploy_key=key,
    )
