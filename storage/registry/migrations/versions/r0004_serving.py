"""How a deployment is served: its replicas, whether it sleeps, when it was last asked, where its runners listen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns without checks: SQLite adds those without copying the table.
    op.add_column("deployments", sa.Column("replicas", sa.Integer, nullable=True))
    op.add_column("deployments", sa.Column("asleep", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("deployments", sa.Column("last_request_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deployments", sa.Column("addresses", sa.JSON, nullable=True))
