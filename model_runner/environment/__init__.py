"""A model's packages: its requirements checked, resolved, and built into a sealed environment that others may share.

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
