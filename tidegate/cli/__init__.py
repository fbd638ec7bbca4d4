"""A user's command line in; words or one JSON document, and an exit code, out."""

from tidegate.cli.app import main

__all__ = ["main"]
