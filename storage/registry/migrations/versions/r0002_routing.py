"""Previews, cancelled deployments, and when a deployment last had a share of the traffic."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_CHECKS = {
    "ck_deployments_role_known": "role IN ('primary', 'canary', 'shadow', 'preview')",
    "ck_deployments_status_known": "status IN ('starting', 'live', 'warm', 'failed', 'retired', 'cancelled')",
}
_KEPT = {"ck_deployments_weight_is_share": "weight >= 0 AND weight <= 1"}


def upgrade() -> None:
    # SQLite changes a check only by copying the table, and the copy has no checks: there all are made again.
    copied = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("deployments", recreate="always" if copied else "never") as table:
        table.add_column(sa.Column("served_at", _MOMENT, nullable=True))
        table.add_column(sa.Column("branch", sa.String(255), nullable=True))
        table.add_column(sa.Column("slug", sa.String(63), nullable=True))
        table.add_column(sa.Column("expires", _MOMENT, nullable=True))
        if not copied:
            for name in _CHECKS:
                table.drop_constraint(op.f(name), type_="check")
        for name, condition in {**_CHECKS, **(_KEPT if copied else {})}.items():
            table.create_check_constraint(op.f(name), sa.text(condition))
    op.execute("UPDATE deployments SET served_at = live_at WHERE role IN ('primary', 'canary')")
