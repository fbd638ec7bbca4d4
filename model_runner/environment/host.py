"""The Python and the packages that Tidegate itself runs with."""

import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from model_runner.environment.key import Host
from model_runner.environment.satisfied import Installed


def this_host() -> Host:
    """Of the interpreter that runs this; an environment is made with the same."""
    tag = sys.implementation.cache_tag
    libc = platform.libc_ver()[0] or "libc"
    return Host(f"{tag} {platform.python_version()}", f"{sysconfig.get_platform()} {libc}")


def state_of_packages() -> tuple[tuple[str, int, int], ...]:
    """Another as soon as a package of Tidegate's own environment was added, removed or upgraded."""
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    return tuple((folder, *_moment(Path(folder))) for folder in folders)


def _moment(folder: Path) -> tuple[int, int]:
    """Of the last change of its entries: whatever installs a version makes or renames one that has its number."""
    found = folder.stat()
    return found.st_ino, found.st_mtime_ns


def installed_versions() -> dict[str, str]:
    """Every package of Tidegate's own environment, by canonical name."""
    return {canonicalize_name(found.name): found.version for found in distributions()}


def find_installed(name: str) -> Installed | None:
    """One package of Tidegate's own environment."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return Installed(found.version, tuple(found.requires or ()))
