"""The table of GitHub repositories whose pushes are deployed."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from storage.registry.tables import Base, UtcDateTime


class GithubConnectionRow(Base):
    """What is secret is sealed before it comes here: whoever reads the registry learns none of it."""

    __tablename__ = "github_connections"
    __table_args__ = (UniqueConstraint("workspace", "model"), Index(None, "repository"))

    id: Mapped[int] = mapped_column(primary_key=True)
    repository: Mapped[str] = mapped_column(String(255))
    """`owner/name` in lower case, as it is looked for."""
    shown: Mapped[str] = mapped_column(String(255))
    workspace: Mapped[str] = mapped_column(String(63))
    model: Mapped[str] = mapped_column(String(127))
    branch: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(String(1023))
    """Folder within the repository; empty for all of it."""
    clone_url: Mapped[str | None] = mapped_column(Text)
    previews: Mapped[bool] = mapped_column(default=False, server_default=false())
    secret: Mapped[str] = mapped_column(Text)
    token: Mapped[str | None] = mapped_column(Text)
    deploy_key: Mapped[str | None] = mapped_column(Text)
    deployed_tree: Mapped[str | None] = mapped_column(String(64))
    """Of that folder, as it went live last."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
