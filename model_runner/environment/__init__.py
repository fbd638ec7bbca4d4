"""A model's requirements in; the Python of a sealed environment that holds them, shared by others, out.

Runs in Tidegate's own processes, never in a runner: a runner imports nothing of this package.
"""

from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.eviction import evict
from model_runner.environment.preparing import LOCK_FILE, PreparedEnvironment, at_hand, prepare, restore
from model_runner.environment.store import About, Entry, Store

__all__ = [
    "LOCK_FILE",
    "About",
    "Entry",
    "EnvironmentBuildError",
    "PreparedEnvironment",
    "Store",
    "at_hand",
    "evict",
    "prepare",
    "restore",
]
