"""A deploy key over real ssh: the server is known from the first contact on, and nobody takes its place."""

import asyncio
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.git_client import Clone
from tests.support.ssh_server import SshServer, new_key, ssh_server
from tidegate.deployer.sources.fetching import FetchError, fetch, head_of
from tidegate.deployer.sources.host_keys import PINNED, host_of
from tidegate.deployer.sources.remote import Remote, fetch_environment


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    (tmp_path / "ssh").mkdir()
    with ssh_server(tmp_path / "ssh") as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Clone:
    clone = Clone(tmp_path / "source", "nowhere")
    (clone.folder / "model.pkl").write_bytes(b"one")
    clone.commit()
    return clone


@pytest.fixture
def remote(server: SshServer, source: Clone, tmp_path: Path) -> Remote:
    home = tmp_path / "a home"
    home.mkdir()
    return Remote(server.url(source.folder), deploy_key=server.key, known_hosts=home / "known_hosts")


def _head(remote: Remote) -> str | None:
    return asyncio.run(head_of(remote, "main"))


def _refused(remote: Remote, says: str) -> FetchError:
    with pytest.raises(FetchError, match=says) as raised:
        _head(remote)
    assert not raised.value.can_pass
    return raised.value


def test_a_commit_is_fetched_and_the_server_is_known_from_then_on(
    server: SshServer, source: Clone, remote: Remote, tmp_path: Path
) -> None:
    server.start()
    commit = source.git("rev-parse", "HEAD")
    asyncio.run(fetch(remote, commit, "main", tmp_path / "r"))
    content = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "r"), "show", f"{commit}:model.pkl"], capture_output=True, check=True
    ).stdout

    assert content == b"one"
    assert remote.known_hosts is not None
    assert remote.known_hosts.read_text().startswith(f"[127.0.0.1]:{server.port} ssh-ed25519 ")
    assert "StrictHostKeyChecking=yes" in fetch_environment(remote)["GIT_SSH_COMMAND"]
    assert _head(remote) == commit


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_server_in_its_place_is_refused_and_gets_no_commit(
    server: SshServer, remote: Remote, kind: str
) -> None:
    """Also one with a key of another kind."""
    server.start()
    _head(remote)
    assert remote.known_hosts is not None
    known = remote.known_hosts.read_text()
    server.stop()
    server.start(kind)
    error = _refused(remote, "shows another key than the one that is known of it")

    assert f"remove its line from {remote.known_hosts}" in str(error)
    assert remote.known_hosts.read_text() == known
    remote.known_hosts.write_text("")
    assert _head(remote) is not None, "as it was told"


def test_without_a_place_to_keep_keys_no_new_server_is_believed(server: SshServer, remote: Remote) -> None:
    server.start()

    _refused(replace(remote, known_hosts=None), "another key than the one that is known")


def test_a_key_that_may_not_read_it_is_told_with_what_to_do(server: SshServer, remote: Remote, tmp_path: Path) -> None:
    server.start()

    _refused(replace(remote, deploy_key=new_key(tmp_path / "other")), "--deploy-key-file that may read it")


def test_the_keys_of_github_come_with_us() -> None:
    """Its fingerprints as GitHub publishes them; no other key is believed, not even at the first contact."""
    told = fetch_environment(Remote("ssh://git@github.com/acme/market.git", known_hosts=Path("/nowhere/known_hosts")))
    shown = subprocess.run(["ssh-keygen", "-lf", str(PINNED)], capture_output=True, text=True, check=True).stdout

    assert "StrictHostKeyChecking=yes" in shlex.split(told["GIT_SSH_COMMAND"])
    assert "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" in shown
    assert "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM" in shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@github.com:acme/market.git", "github.com"),
        ("ssh://git@GitHub.com/acme/market.git", "github.com"),
        ("ssh://git.example.com:2222/x", "[git.example.com]:2222"),
        ("ssh://git.example.com:22/x", "git.example.com"),
        ("ssh://git.example.com:none/x", None),
        ("https://github.com/acme/market.git", None),
        ("file:///srv/x.git", None),
    ],
)
def test_the_server_is_named_as_ssh_names_it(url: str, host: str | None) -> None:
    assert host_of(url) == host
