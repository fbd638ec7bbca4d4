"""The command `tidegate`."""

from tidegate.cli.app import main

__all__ = ["main"]
