"""The registry's database in; its newest form out: Alembic's scripts, run by `migrate.py`."""
