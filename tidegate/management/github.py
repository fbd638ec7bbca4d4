"""The management API of connections: reads and writes the registry."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from gateway.edge.token import TokenError
from gateway.github.connections import ConnectBody, Connected, Connections, ConnectionView
from gateway.refusals import Refusal
from storage import registry
from storage.registry import Database, UnknownConnectionError
from tidegate.github.connecting import ConnectError, Wanted, connect
from tidegate.github.connections import connection_of_settings
from tidegate.github.sealing import sealer_of
from tidegate.github.views import HOOK_PATH, view, view_of_settings
from tidegate.settings import Settings


class GithubConnections:
    """A gateway.github.connections.GithubManagement."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database_dsn)
        self._own = connection_of_settings(settings)

    def list(self) -> Connections:
        unreadable: dict[str, str] = {}
        with _refusing():
            found = [view(each) for each in registry.github_connections(self._database, unreadable=unreadable)]
        own = [] if self._own is None else [view_of_settings(self._own)]
        return Connections(connections=own + found, unreadable=[*unreadable.values()])

    def connect(self, body: ConnectBody) -> Connected:
        wanted = Wanted(
            repository=body.repository,
            model=body.model,
            workspace=body.workspace,
            branch=body.branch or self._settings.production_branch,
            path=body.path,
            clone_url=body.clone_url,
            previews=body.previews,
            secret=_revealed(body.secret),
            token=_revealed(body.token),
            deploy_key=_revealed(body.deploy_key),
        )
        with _refusing():
            made = connect(self._database, sealer_of(self._settings.home_path), wanted)
        return Connected(connection=view(made.connection), secret=made.secret, hook_path=HOOK_PATH)

    def disconnect(self, number: int) -> ConnectionView:
        with _refusing():
            return view(registry.disconnect_github(self._database, number))


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ConnectError as error:
        raise Refusal(422, "invalid_connection", f"{str(error)[:1].upper()}{str(error)[1:]}") from None
    except UnknownConnectionError as error:
        raise Refusal(404, "unknown_connection", f"{str(error)[:1].upper()}{str(error)[1:]}") from None
    except TokenError as error:
        raise Refusal(503, "unavailable", str(error)) from None
    except SQLAlchemyError:
        raise Refusal(503, "unavailable", "The registry does not answer; try again", retry_after_s=5) from None


def _revealed(given: SecretStr | None) -> str | None:
    return None if given is None else given.get_secret_value()
