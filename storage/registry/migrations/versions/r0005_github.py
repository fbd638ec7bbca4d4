"""GitHub repositories whose pushes are deployed: any number of them, in place of the one of the settings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "github_connections",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository", sa.String(255), nullable=False),
        sa.Column("shown", sa.String(255), nullable=False),
        sa.Column("workspace", sa.String(63), nullable=False),
        sa.Column("model", sa.String(127), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("path", sa.String(1023), nullable=False),
        sa.Column("clone_url", sa.Text, nullable=True),
        sa.Column("previews", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=True),
        sa.Column("deploy_key", sa.Text, nullable=True),
        sa.Column("deployed_tree", sa.String(64), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_github_connections"),
        sa.UniqueConstraint("workspace", "model", name="uq_github_connections_workspace_model"),
    )
    op.create_index("ix_github_connections_repository", "github_connections", ["repository"])
