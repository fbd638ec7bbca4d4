"""The tables of jobs: what the deployer was asked to do, how far it is, and what it said."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.registry.tables import Base, UtcDateTime


class JobRow(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state_known"),
        Index(None, "state"),
        Index(None, "workspace", "model"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(15))
    workspace: Mapped[str] = mapped_column(String(63))
    model: Mapped[str] = mapped_column(String(127))
    branch: Mapped[str] = mapped_column(String(255))
    commit_sha: Mapped[str] = mapped_column(String(64))
    source: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(15))
    stage: Mapped[str] = mapped_column(String(31))
    attempts: Mapped[int]
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    started: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deployment_id: Mapped[str | None] = mapped_column(String(63))
    prepared: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str | None] = mapped_column(Text)


class JobLineRow(Base):
    """One line of a job's log."""

    __tablename__ = "job_lines"

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text)


class DeliveryRow(Base):
    """A webhook that was taken: a second one with its id does nothing."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(String(127), primary_key=True)
    received: Mapped[datetime] = mapped_column(UtcDateTime)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
