"""What this home keeps that can be had again: copies of models, and environments."""

from pathlib import Path

from model_runner.disk.seals import Seals
from tidegate.settings import Settings


def copies_path(settings: Settings) -> Path:
    """Fetched copies of artifacts, by their hash."""
    return settings.home_path / "models"


def candidates_path(settings: Settings) -> Path:
    """Files of models that are served by the process in which they were checked, by deployment."""
    return settings.home_path / "candidates"


def doubt_caches(settings: Settings) -> None:
    """Have all of it compared with its hash before it is next used."""
    for cache in (copies_path(settings), settings.environments_path):
        Seals(cache).doubt()
