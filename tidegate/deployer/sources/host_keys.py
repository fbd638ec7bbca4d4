"""Whom ssh believes to be a server: never a stranger in the place of one that was met before.

GitHub's keys come with Tidegate (it publishes them at https://api.github.com/meta); any other server is believed at the
first contact, and its key is kept. From then on ssh is strict.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

PINNED = Path(__file__).with_name("github_known_hosts")
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9_.-]+):(?!//)")
SSH_PORT = 22


def host_of(url: str) -> str | None:
    """The server of a clone URL, as files of known hosts name it; None where it is not reached by ssh."""
    address = urlsplit(url)
    if address.scheme == "ssh" and address.hostname:
        with suppress(ValueError):  # a port that is none: ssh says so
            port = address.port or SSH_PORT
            return address.hostname if port == SSH_PORT else f"[{address.hostname}]:{port}"
    found = None if address.scheme in ("http", "https", "file", "ssh") else _SCP_LIKE.match(url)
    return None if found is None else found["host"].lower()


def options(url: str, known_hosts: Path | None) -> list[str]:
    """Of ssh.

    Args:
        known_hosts: where the keys of servers are kept that were met; None where none may be new.
    """
    files = [PINNED] if known_hosts is None else [PINNED, known_hosts]
    may_be_new = known_hosts is not None and not _is_known(host_of(url), files)
    return [
        f"StrictHostKeyChecking={'accept-new' if may_be_new else 'yes'}",
        f"UserKnownHostsFile={'none' if known_hosts is None else _quoted(known_hosts)}",
        f"GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts {_quoted(PINNED)}",
        # Names that can be read, so that a line can be found and removed by hand.
        "HashKnownHosts=no",
        "UpdateHostKeys=no",
    ]


def _is_known(host: str | None, files: Iterable[Path]) -> bool:
    if host is None:
        return False
    lines = [line for file in files for line in _lines(file)]
    return any(host in line.split()[0].split(",") for line in lines if line.strip())


def _lines(file: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return file.read_text("utf-8", "replace").splitlines()
    return []


def _quoted(path: Path) -> str:
    """ssh divides its options at spaces."""
    return f'"{path}"'
