"""Alembic's scripts, run by storage/registry/migrate.py."""
