"""The first tables: revision, models, versions, profiles, deployments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _revision_and_models()
    _versions_and_profiles()
    _deployments()


def _revision_and_models() -> None:
    table = op.create_table(
        "registry_revision",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registry_revision"),
    )
    op.bulk_insert(table, [{"id": 1, "value": 0}])
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("workspace", sa.String(63), nullable=False),
        sa.Column("name", sa.String(127), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("workspace", "name", name="uq_models_workspace_name"),
    )


def _versions_and_profiles() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("model_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("artifact_url", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.String(31), nullable=False),
        sa.Column("input_schema", sa.JSON, nullable=True),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_versions_number_positive")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_versions_model_id_models"),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("model_id", "number", name="uq_versions_model_id_number"),
    )
    op.create_table(
        "profiles",
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.Column("id", sa.String(127), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("n_rows", sa.Integer, nullable=False),
        sa.Column("source", sa.String(31), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_profiles_version_id_versions"),
        sa.PrimaryKeyConstraint("version_id", "id", name="pk_profiles"),
    )


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(63), nullable=False),
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.Column("profile_id", sa.String(127), nullable=True),
        sa.Column("role", sa.String(15), nullable=False),
        sa.Column("status", sa.String(15), nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("live_at", _MOMENT, nullable=True),
        sa.Column("retired_at", _MOMENT, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.CheckConstraint("role IN ('primary', 'canary', 'shadow')", name=op.f("ck_deployments_role_known")),
        sa.CheckConstraint(
            "status IN ('starting', 'live', 'warm', 'failed', 'retired')", name=op.f("ck_deployments_status_known")
        ),
        sa.CheckConstraint("weight >= 0 AND weight <= 1", name=op.f("ck_deployments_weight_is_share")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_deployments_version_id_versions"),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
    )
    op.create_index("ix_deployments_status", "deployments", ["status"])
    op.create_index("ix_deployments_version_id", "deployments", ["version_id"])
