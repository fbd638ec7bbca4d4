"""The registry's tables, in types that SQLite and PostgreSQL share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from storage.registry.damaged import Damaged

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints have names, so that a later migration can change them on any database."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no zone, so the zone is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """What cannot be read must not fail the query, which has other rows."""
        read = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            try:
                return value if read is None else read(value)
            except (ValueError, TypeError) as error:
                return Damaged(f"no time: {error}")

        return process


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class RevisionRow(Base):
    """One row, counted up by every write: what a reader polls, and what serialises writers on any database."""

    __tablename__ = "registry_revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]


class ModelRow(Base):
    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("workspace", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(127))
    created: Mapped[datetime] = mapped_column(UtcDateTime)

    versions: Mapped[list["VersionRow"]] = relationship(back_populates="model", order_by="VersionRow.number")


class VersionRow(Base):
    """Immutable: nothing in this package changes one."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("model_id", "number"), CheckConstraint("number > 0", name="number_positive"))

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    number: Mapped[int]
    artifact_url: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(31))
    input_schema: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UtcDateTime)

    model: Mapped[ModelRow] = relationship(back_populates="versions")


class ProfileRow(Base):
    """Immutable. Keyed by version too, since two versions may be measured against the same data."""

    __tablename__ = "profiles"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(127), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    n_rows: Mapped[int]
    source: Mapped[str] = mapped_column(String(31))
    created: Mapped[datetime] = mapped_column(UtcDateTime)


class DeploymentRow(Base):
    __tablename__ = "deployments"
    __table_args__ = (
        CheckConstraint("role IN ('primary', 'canary', 'shadow', 'preview')", name="role_known"),
        CheckConstraint(
            "status IN ('starting', 'live', 'warm', 'failed', 'retired', 'cancelled')", name="status_known"
        ),
        CheckConstraint("weight >= 0 AND weight <= 1", name="weight_is_share"),
        Index(None, "status"),
        Index(None, "version_id"),
    )

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    profile_id: Mapped[str | None] = mapped_column(String(127))
    role: Mapped[str] = mapped_column(String(15))
    status: Mapped[str] = mapped_column(String(15))
    weight: Mapped[float] = mapped_column(Double)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    live_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    served_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    branch: Mapped[str | None] = mapped_column(String(255))
    slug: Mapped[str | None] = mapped_column(String(63))
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    replicas: Mapped[int | None]
    """None: as many as its version asks for."""
    asleep: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_request_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    addresses: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))

    version: Mapped[VersionRow] = relationship()
