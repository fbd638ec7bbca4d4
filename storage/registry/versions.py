"""Models, their versions, and the profiles of these."""

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from model_runner.names import DEFAULT_WORKSPACE
from storage.registry.damaged import check, read_rows, tell
from storage.registry.database import Database
from storage.registry.errors import ProfileExistsError, UnknownModelError, UnknownVersionError
from storage.registry.live import live_primaries
from storage.registry.records import Model, Profile, Version
from storage.registry.tables import DeploymentRow, ModelRow, ProfileRow, VersionRow


def create_version(
    database: Database,
    model: str,
    *,
    artifact_url: str,
    sha256: str,
    format: str,  # noqa: A002 - the column's name
    input_schema: Mapping[str, Any] | None,
    manifest: Mapping[str, Any],
    workspace: str = DEFAULT_WORKSPACE,
    now: datetime | None = None,
) -> Version:
    """Add the next version of a model; the first makes the model."""
    moment = now or datetime.now(UTC)
    with database.write() as session:
        row = _find_model(session, workspace, model)
        if row is None:
            row = ModelRow(workspace=workspace, name=model, created=moment)
            session.add(row)
            session.flush()
        newest = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.model_id == row.id)) or 0
        version = VersionRow(
            model=row,
            number=newest + 1,
            artifact_url=artifact_url,
            sha256=sha256,
            format=format,
            input_schema=None if input_schema is None else dict(input_schema),
            manifest=dict(manifest),
            created=moment,
        )
        session.add(version)
        session.flush()
        return to_version(version)


def unused_version(database: Database, model: str, sha256: str, workspace: str = DEFAULT_WORKSPACE) -> Version | None:
    """The model's newest version, where it has this content and never had traffic: an attempt to deploy it failed."""
    with database.read() as session:
        row = _find_model(session, workspace, model)
        newest = row.versions[-1] if row is not None and row.versions else None
        if newest is None or newest.sha256 != sha256:
            return None
        was_live = select(DeploymentRow.id).where(
            DeploymentRow.version_id == newest.id, DeploymentRow.live_at.is_not(None)
        )
        return None if session.scalar(was_live.limit(1)) else to_version(newest)


def save_profile(
    database: Database,
    version_id: int,
    profile_id: str,
    content: Mapping[str, Any],
    *,
    n_rows: int,
    source: str,
    now: datetime | None = None,
) -> Profile:
    """Keep a profile of a version. Saving the same one again changes nothing.

    Raises:
        UnknownVersionError: no such version.
        ProfileExistsError: another profile stands under that id.
    """
    with database.write() as session:
        if session.get(VersionRow, version_id) is None:
            raise UnknownVersionError(f"no version has the id {version_id}: create it before its profile")
        row = session.get(ProfileRow, (version_id, profile_id))
        if row is not None and row.content != dict(content):
            raise ProfileExistsError(f"profile {profile_id!r} exists with other content: give the new one its own id")
        if row is None:
            row = ProfileRow(version_id=version_id, id=profile_id, content=dict(content), n_rows=n_rows, source=source)
            row.created = now or datetime.now(UTC)
            session.add(row)
            session.flush()
        return _to_profile(row)


def get_profile(database: Database, version_id: int, profile_id: str | None = None) -> Profile | None:
    """That profile of a version, or its newest; None where it has none."""
    statement = select(ProfileRow).where(ProfileRow.version_id == version_id)
    if profile_id is not None:
        statement = statement.where(ProfileRow.id == profile_id)
    with database.read() as session:
        row = session.scalars(statement.order_by(ProfileRow.created.desc(), ProfileRow.id.desc()).limit(1)).first()
        return None if row is None else _to_profile(row)


def get_version(database: Database, model: str, number: int, workspace: str = DEFAULT_WORKSPACE) -> Version:
    """Raises UnknownModelError or UnknownVersionError, with what there is."""
    found = get_model(database, model, workspace)
    for version in found.versions:
        if version.number == number:
            return version
    last = found.versions[-1].number if found.versions else 0
    raise UnknownVersionError(f"model {model!r} has no version {number}: its versions go from 1 to {last}")


def get_model(database: Database, model: str, workspace: str = DEFAULT_WORKSPACE) -> Model:
    """Raises UnknownModelError, with the nearest names."""
    with database.read() as session:
        row = _find_model(session, workspace, model)
        if row is None:
            known = session.scalars(select(ModelRow.name).where(ModelRow.workspace == workspace))
            raise UnknownModelError(model, known)
        return _to_model(session, row)


def require_model(database: Database, model: str, workspace: str = DEFAULT_WORKSPACE) -> None:
    """Raises UnknownModelError, with the nearest names; never for a model whose rows cannot be read."""
    with database.read() as session:
        known = session.scalars(select(ModelRow.name).where(ModelRow.workspace == workspace)).all()
    if model not in known:
        raise UnknownModelError(model, known)


def list_models(
    database: Database, workspace: str = DEFAULT_WORKSPACE, unreadable: MutableMapping[str, str] | None = None
) -> list[Model]:
    """Every model, by name. `unreadable` takes those that cannot be read, by id, with the reason."""
    statement = select(ModelRow).where(ModelRow.workspace == workspace).order_by(ModelRow.name)
    with database.read() as session:
        rows = session.scalars(statement.options(selectinload(ModelRow.versions).options(joinedload(VersionRow.model))))
        damaged: dict[str, str] = {}
        found = read_rows(rows, lambda row: _to_model(session, row), damaged)
        tell(damaged, unreadable, "a model")
        return found


def to_version(row: VersionRow) -> Version:
    """Raises DamagedRowError."""
    check(row, row.model)
    return Version(
        id=row.id,
        workspace=row.model.workspace,
        model=row.model.name,
        number=row.number,
        artifact_url=row.artifact_url,
        sha256=row.sha256,
        format=row.format,
        input_schema=row.input_schema,
        manifest=row.manifest,
        created=row.created,
    )


def _find_model(session: Session, workspace: str, name: str) -> ModelRow | None:
    return session.scalar(select(ModelRow).where(ModelRow.workspace == workspace, ModelRow.name == name))


def _to_model(session: Session, row: ModelRow) -> Model:
    check(row)
    return Model(
        workspace=row.workspace,
        name=row.name,
        created=row.created,
        versions=tuple(map(to_version, row.versions)),
        live=live_primaries(session, [row.id]).get(row.id),
    )


def _to_profile(row: ProfileRow) -> Profile:
    check(row)
    return Profile(row.id, row.version_id, row.content, row.n_rows, row.source, row.created)
