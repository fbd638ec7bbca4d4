"""What Alembic runs: migrations on the connection (and in the transaction) that it was given."""

from alembic import context

import storage.registry.github_tables
import storage.registry.job_tables  # noqa: F401 - declares its tables
from storage.registry.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
