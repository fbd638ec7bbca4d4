"""A repository elsewhere, and the environment in which git fetches from it: nothing of ours but what it needs."""

import base64
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.deployer.sources.host_keys import options

KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "TIDEGATE_STACK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True)
class Remote:
    url: str
    token: str | None = field(default=None, repr=False)
    """For http and https."""
    deploy_key: Path | None = None
    """For ssh: a private key."""
    known_hosts: Path | None = None
    """Where the keys of ssh servers are kept; a server that is new is believed once. None: no new one is believed."""


def fetch_environment(remote: Remote) -> dict[str, str]:
    """Of git: secrets go through it, never through the arguments, which every user can read."""
    proxies = {name for kind in PROXIES for name in (kind, kind.upper())}
    environment = {name: os.environ[name] for name in (*KEPT, *proxies) if name in os.environ}
    settings = list(_settings(remote))
    environment |= {
        "LANG": "C.UTF-8",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "GIT_SSH_COMMAND": _ssh(remote),
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def _settings(remote: Remote) -> Iterator[tuple[str, str]]:
    # A header goes wherever a redirect leads, whatever the address that it was set for.
    yield "http.followRedirects", "false"
    # Always one pack, whose size the limit of a file then bounds.
    yield "fetch.unpackLimit", "1"
    yield "safe.directory", "*"
    address = urlsplit(remote.url)
    if remote.token is not None and address.scheme in ("http", "https"):
        basic = base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()
        host = f"{address.scheme}://{address.netloc.rpartition('@')[2]}/"
        yield f"http.{host}.extraHeader", f"Authorization: Basic {basic}"


def without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("//***@", text)


def _ssh(remote: Remote) -> str:
    settings = ["BatchMode=yes", *options(remote.url, remote.known_hosts)]
    arguments = ["ssh", "-F", "none", *(part for setting in settings for part in ("-o", setting))]
    if remote.deploy_key is not None:
        arguments += ["-o", "IdentitiesOnly=yes", "-i", str(remote.deploy_key)]
    return shlex.join(arguments)
