"""A real OpenSSH server of a test's own: its own host key, a high port of 127.0.0.1, one key that may fetch."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {host_key}
AuthorizedKeysFile {authorized}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
PidFile none
"""


def new_key(path: Path, kind: str = "ed25519") -> Path:
    """A private key without a passphrase; its public half lies beside it."""
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


class SshServer:
    """Lets in whoever has `key`. Started again it has another host key."""

    def __init__(self, folder: Path, sshd: str) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.key = new_key(folder / "deploy-key")
        self._sshd = sshd
        self._child: Child | None = None
        (folder / "authorized").write_text(f"restrict {(folder / 'deploy-key.pub').read_text()}")

    def url(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository}"

    def start(self, host_key: str = "ed25519") -> None:
        """With a host key that is new, of this kind."""
        config = self.folder / "sshd_config"
        key = new_key(self.folder / "host-key", host_key)
        config.write_text(_CONFIG.format(port=self.port, host_key=key, authorized=self.folder / "authorized"))
        child = Child([self._sshd, "-D", "-e", "-f", str(config)], self.folder, "sshd")
        self._child = child
        child.start()
        wait_until(self._answers, 30, "the ssh server to listen")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def log(self) -> str:
        return "" if self._child is None else self._child.log_tail()

    def _answers(self) -> bool:
        assert self._child is not None and self._child.running, f"sshd ended: {self.log()}"  # noqa: PT018
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
        return False


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Not started yet. Skips, and says so, where there is no OpenSSH server."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if sshd is None:
        pytest.skip("DEPLOY KEYS ARE NOT TESTED HERE: there is no OpenSSH server (package openssh-server)")
    if os.geteuid() == 0:
        # Where it lives before a user is known; made by whoever starts it as a service.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = SshServer(folder, sshd)
    try:
        yield server
    finally:
        server.stop()
