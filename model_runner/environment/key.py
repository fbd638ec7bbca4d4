"""What tells one environment from another: the packages, and the Python and the platform that they are for."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

LAYOUT = 1
"""Counted up when environments are built in another way, so that none of the old way is taken for one of the new."""
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")


@dataclass(frozen=True)
class Host:
    """What decides which files of a package are installed."""

    python: str
    """`cpython-311 3.11.7`"""
    platform: str
    """`linux-x86_64 glibc`"""


def packages_of(lock: str) -> tuple[str, ...]:
    """The packages of a resolved list, `name==version`, sorted. Hashes and comments are not among them."""
    found = filter(None, map(_PIN.match, lock.splitlines()))
    return tuple(sorted(f"{canonicalize_name(match[1])}=={match[2]}" for match in found))


def environment_key(packages: Iterable[str], host: Host) -> str:
    """20 hexadecimal digits; the same for the same packages in any order."""
    parts = [str(LAYOUT), host.python, host.platform, *sorted(packages)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
