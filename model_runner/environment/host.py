"""The Python and the packages that Tidegate itself runs with."""

import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution, distributions

from packaging.utils import canonicalize_name

from model_runner.environment.key import Host
from model_runner.environment.satisfied import Installed


def this_host() -> Host:
    """Of the interpreter that runs this; an environment is made with the same."""
    tag = sys.implementation.cache_tag
    libc = platform.libc_ver()[0] or "libc"
    return Host(f"{tag} {platform.python_version()}", f"{sysconfig.get_platform()} {libc}")


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
