"""Real attacks by a model that is served, in each of the sandboxes: what it tries fails, and the runner goes on."""

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_runner.sandbox.plan import Mechanism
from model_runner.sandbox.privileges import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
from model_runner.sandbox.syscalls import ARCHITECTURES, REFUSED
from model_runner.wire.client import ClientConfig, RunnerClient
from tests.support.attacks import confined_runner, write_attacker
from tests.support.readiness import wait_ready
from tests.support.waiting import wait_until

SECRET = "tidegate-secret-of-somebody-else"


@dataclass
class Prey:
    """What there is to be attacked, and the runner that tries."""

    mechanism: Mechanism
    user_namespace: bool
    path: Path
    folder: Path
    home: Path
    tcp: socket.socket
    unix: socket.socket
    abstract: str
    datagrams: socket.socket
    """Takes datagrams at the abstract address with `-d` behind it."""
    mailbox: socket.socket
    """Takes them at the path `mailbox` in the home folder."""
    bystander: subprocess.Popen[bytes]

    def attack(self, act: str, target: object = "") -> str:
        async def ask() -> str:
            client = RunnerClient(self.path, ClientConfig(timeout_s=30, reconnect_s=10))
            try:
                return str((await client.predict([{"act": act, "target": str(target)}])).predictions)
            finally:
                await client.close()

        return asyncio.run(ask())

    @property
    def port(self) -> int:
        return int(self.tcp.getsockname()[1])


WAYS = [
    pytest.param((Mechanism.BUBBLEWRAP, False), id="bubblewrap"),
    pytest.param((Mechanism.BUBBLEWRAP, True), id="bubblewrap in a user namespace"),
    pytest.param((Mechanism.LANDLOCK, False), id="landlock"),
]


@pytest.fixture(scope="module", params=WAYS)
def prey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prey]:
    mechanism, user_namespace = request.param
    home = tmp_path_factory.mktemp("home")
    with sqlite3.connect(home / "registry.sqlite") as database:
        database.execute("create table tokens (secret text)")
    database.close()
    (home / "models" / "other").mkdir(parents=True)
    (home / "models" / "other" / "model.pkl").write_bytes(b"the other model")
    folder = write_attacker(home / "models" / "own")
    abstract = f"tidegate-test-{os.getpid()}-{mechanism}"
    # Whoever runs beside it, with a secret in its environment.
    waits = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mailbox,
        subprocess.Popen(waits, stdin=subprocess.PIPE, env={"SECRET": SECRET}) as bystander,
        confined_runner(folder, tmp_path_factory.mktemp("b"), mechanism, user_namespace=user_namespace) as runner,
    ):
        unix.bind(f"\0{abstract}")
        unix.listen()
        datagrams.bind(f"\0{abstract}-d")
        mailbox.bind(str(home / "mailbox"))
        (home / "mailbox").chmod(0o777)
        for each in (tcp, unix, datagrams, mailbox):
            each.setblocking(False)
        asyncio.run(wait_ready(runner.socket, 60))
        addresses = runner.socket, folder, home, tcp, unix, abstract, datagrams, mailbox
        yield Prey(mechanism, user_namespace, *addresses, bystander)
        assert bystander.stdin is not None
        bystander.stdin.close()


@pytest.fixture(autouse=True)
def _goes_on(prey: Prey) -> Iterator[None]:
    """After each attack the same runner answers."""
    yield
    assert prey.attack("answer", "42") == "['GOT 42']"


def test_it_reads_its_own_folder_and_writes_temporary_files(prey: Prey) -> None:
    assert "GOT cattacker" in prey.attack("read", prey.folder / "model.pkl")
    said = prey.attack("write_tmp")
    if prey.mechanism is Mechanism.LANDLOCK:
        # There is no file system of its own whose size could be bounded: it writes nowhere.
        assert "stopped by FileNotFoundError: [Errno 2] No usable temporary directory" in said
    else:
        assert "GOT written" in said
    assert "GOT signalled itself" in prey.attack("own_signal")


@pytest.mark.parametrize("target", ["registry.sqlite", "models/other/model.pkl", "/etc/shadow", "/etc/passwd"])
def test_it_cannot_read_what_is_not_its_own(prey: Prey, target: str) -> None:
    assert (prey.home / target).exists()
    assert "stopped by" in prey.attack("read", prey.home / target)


@pytest.mark.parametrize("target", ["", "models", "/root", "/home"])
def test_it_cannot_list_folders(prey: Prey, target: str) -> None:
    said = prey.attack("listing", prey.home / target)
    # On the way to its own folder bubblewrap shows what lies on that way, and nothing beside it.
    assert "stopped by" in said or not {"registry.sqlite", "other", ".bashrc", ".ssh"} & set(said.split())


@pytest.mark.parametrize(
    "name", ["new", "registry.sqlite", "models/own/model.pkl", "models/own/new", "models/other/new"]
)
def test_it_cannot_write_outside(prey: Prey, name: str) -> None:
    before = sorted((path, path.stat().st_mode, path.stat().st_size) for path in prey.home.rglob("*"))
    for act in ("write", "remove", "change_mode", "truncate"):
        assert "stopped by" in prey.attack(act, prey.home / name)
    assert sorted((path, path.stat().st_mode, path.stat().st_size) for path in prey.home.rglob("*")) == before


def test_it_sees_no_environment_of_others(prey: Prey) -> None:
    pid = prey.bystander.pid
    assert SECRET in Path(f"/proc/{pid}/environ").read_text()
    assert "no process shows it" in prey.attack("environments", f"{SECRET} {pid}")
    assert SECRET not in prey.attack("read", f"/proc/{pid}/environ")


def test_the_sandbox_itself_was_started_without_secrets(prey: Prey, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this test run has in its environment is in none of the processes of the runner."""
    own = {f"{name}={value}" for name, value in os.environ.items() if name.startswith(("PYTEST", "SSH", "TIDEGATE"))}
    assert own, "pytest sets PYTEST_CURRENT_TEST"
    assert "PYTEST" not in prey.attack("read", "/proc/self/environ")
    assert "PYTEST" not in prey.attack("read", "/proc/1/environ")


def test_it_cannot_connect(prey: Prey) -> None:
    assert "stopped by" in prey.attack("connect", prey.port)
    assert "stopped by" in prey.attack("send_datagram", prey.port)
    assert "stopped by" in prey.attack("connect_unix", f"@{prey.abstract}")
    for listener in (prey.tcp, prey.unix):
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_it_cannot_send_datagrams(prey: Prey) -> None:
    for target in (f"@{prey.abstract}-d", prey.home / "mailbox"):
        for act in ("datagram_pair", "stream_pair"):
            assert "stopped by" in prey.attack(act, target)
    for receiver in (prey.datagrams, prey.mailbox):
        with pytest.raises(BlockingIOError):
            receiver.recv(10)


def test_it_has_no_sockets_of_its_own(prey: Prey) -> None:
    """All families that <linux/socket.h> names, with room for those to come."""
    assert "all refused" in prey.attack("sockets", " ".join(map(str, range(50))))
    assert "stopped by" in prey.attack("listen_elsewhere", f"{prey.abstract}-model")


@pytest.mark.parametrize(
    "act",
    [
        "grows_down",
        "shared_zeros",
        "shared_zeros_read",
        "shared_anonymous",
        "shared_validated",
        "larger_stack",
        "moved_stack",
        "own_memory",
        "many_sockets",
    ],
)
def test_there_is_no_memory_that_its_limit_does_not_count(prey: Prey, act: str) -> None:
    assert "stopped by" in prey.attack(act)


@pytest.mark.parametrize("target", ["/dev/shm/x", "/tmp/x", "/run/x", "/var/tmp/x"])
def test_files_that_are_memory_are_small(prey: Prey, target: str) -> None:
    # Where there is one, it is full long before; a page of a file that cannot be had ends the process.
    assert "stopped by" in prey.attack("fill_file", target)


def test_it_cannot_take_more_of_the_cpus(prey: Prey) -> None:
    assert "stopped by" in prey.attack("affinity")
    assert "stopped by" in prey.attack("priority")


def test_it_cannot_start_processes(prey: Prey) -> None:
    assert "stopped by" in prey.attack("fork")
    assert "stopped by" in prey.attack("spawn")


def test_threads_come_to_an_end(prey: Prey) -> None:
    acts = ["threads"]
    if not (prey.user_namespace and os.geteuid() == 0):
        # The kernel counts none against root: here it is one only since the test insists on a user namespace.
        acts.append("small_threads")
    for act in acts:
        assert "stopped by RuntimeError: can't start new thread" in prey.attack(act)


def test_it_cannot_signal_others(prey: Prey) -> None:
    assert "stopped by" in prey.attack("signal_other", os.getpid())
    assert "stopped by" in prey.attack("signal_other", prey.bystander.pid)
    assert "stopped by" in prey.attack("signal_all")


def test_it_cannot_gain_rights_or_raise_its_limits(prey: Prey) -> None:
    assert "stopped by" in prey.attack("become_root")
    assert "stopped by" in prey.attack("raise_limit")
    assert "stopped by" in prey.attack("shared_memory")
    assert "stopped by" in prey.attack("open_to_write", "/proc/sys/kernel/core_pattern")
    assert "stopped by" in prey.attack("open_to_write", "/proc/sysrq-trigger")


def test_the_system_calls_that_are_refused_are_refused(prey: Prey) -> None:
    column, _ = ARCHITECTURES[os.uname().machine]
    numbers = [pair[column] for pair in REFUSED.values()]
    assert "all refused" in prey.attack("call", " ".join(str(number) for number in numbers if number is not None))


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: a user of its own needs root")
def test_under_root_it_is_a_user_of_its_own_without_capabilities(prey: Prey) -> None:
    pid = wait_until(lambda: _serving_pid(prey.path), 5, "the runner's process")
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    if not prey.user_namespace:
        assert 61184 <= int(status["Uid"].split()[0]) <= 65519
    # With Landlock it reads what only root may, of what Landlock lets it read at all.
    reading = {1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE} if prey.mechanism is Mechanism.LANDLOCK else {0}
    assert int(status["CapEff"], 16) in reading
    assert status["CapEff"] == status["CapPrm"]
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def _serving_pid(path: Path) -> int:
    """Of the process that listens on this socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], "little")
