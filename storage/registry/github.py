"""Which GitHub repository deploys which model. Secrets come sealed and leave sealed."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.registry.damaged import check, read_rows, tell
from storage.registry.database import Database
from storage.registry.errors import RegistryError
from storage.registry.github_tables import GithubConnectionRow

LARGEST = 2**31 - 1
"""Of a connection's number: a larger one fits no column, and there is none."""


class UnknownConnectionError(RegistryError):
    """No such connection."""


@dataclass(frozen=True, kw_only=True)
class NewConnection:
    """What is to be deployed from where."""

    repository: str
    """`owner/name`"""
    workspace: str
    model: str
    branch: str
    path: str = ""
    """Folder within the repository; empty for all of it."""
    clone_url: str | None = None
    previews: bool = False
    secret: str = field(repr=False)
    """Sealed, as the next two."""
    token: str | None = field(default=None, repr=False)
    deploy_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class GithubConnection(NewConnection):
    id: int
    deployed_tree: str | None
    created: datetime


def connect_github(database: Database, new: NewConnection, *, now: datetime | None = None) -> GithubConnection:
    """Store a connection, in the place of the one that the model had. Its secret becomes that of its repository.

    A repository has one webhook, which signs for all its models: another secret of one of them would leave the others
    without deliveries that they believe.
    """
    with database.write() as session:
        old = session.scalars(
            select(GithubConnectionRow).where(
                GithubConnectionRow.workspace == new.workspace, GithubConnectionRow.model == new.model
            )
        ).first()
        if old is not None:
            session.delete(old)
            session.flush()
        row = GithubConnectionRow(
            repository=new.repository.lower(),
            shown=new.repository,
            workspace=new.workspace,
            model=new.model,
            branch=new.branch,
            path=new.path,
            clone_url=new.clone_url,
            previews=new.previews,
            secret=new.secret,
            token=new.token,
            deploy_key=new.deploy_key,
            created=now or datetime.now(UTC),
        )
        session.add(row)
        session.flush()
        same = GithubConnectionRow.repository == row.repository
        session.execute(update(GithubConnectionRow).where(same).values(secret=new.secret))
        return _connection(row)


def github_connections(
    database: Database, repository: str | None = None, unreadable: MutableMapping[str, str] | None = None
) -> list[GithubConnection]:
    """Those of a repository, however it is spelt; by default all, by repository and model.

    `unreadable` takes those that cannot be read, by id, with the reason.
    """
    statement = select(GithubConnectionRow).order_by(
        GithubConnectionRow.repository, GithubConnectionRow.workspace, GithubConnectionRow.model
    )
    if repository is not None:
        statement = statement.where(GithubConnectionRow.repository == repository.lower())
    with database.read() as session:
        damaged: dict[str, str] = {}
        found = read_rows(session.scalars(statement), _connection, damaged)
    tell(damaged, unreadable, "a connection to GitHub")
    return found


def get_github_connection(database: Database, number: int) -> GithubConnection:
    """Raises UnknownConnectionError."""
    with database.read() as session:
        return _connection(_row(session, number))


def disconnect_github(database: Database, number: int) -> GithubConnection:
    """Forget it, with its secrets. Raises UnknownConnectionError."""
    with database.write() as session:
        row = _row(session, number)
        found = _connection(row)
        session.delete(row)
        return found


def note_deployed_tree(database: Database, number: int, tree: str) -> None:
    """What went live. A connection that is gone is no error."""
    with database.note() as session:
        row = session.get(GithubConnectionRow, number)
        if row is not None:
            row.deployed_tree = tree


def _row(session: Session, number: int) -> GithubConnectionRow:
    row = session.get(GithubConnectionRow, number) if 0 < number <= LARGEST else None
    if row is None:
        raise UnknownConnectionError(f"there is no connection {number}: see `tidegate github list`")
    return row


def _connection(row: GithubConnectionRow) -> GithubConnection:
    """Raises DamagedRowError."""
    check(row)
    return GithubConnection(
        id=row.id,
        repository=row.shown,
        workspace=row.workspace,
        model=row.model,
        branch=row.branch,
        path=row.path,
        clone_url=row.clone_url,
        previews=row.previews,
        secret=row.secret,
        token=row.token,
        deploy_key=row.deploy_key,
        deployed_tree=row.deployed_tree,
        created=row.created,
    )
