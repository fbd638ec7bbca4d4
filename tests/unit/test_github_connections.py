"""Connections of GitHub repositories: what may be connected, how secrets are kept, and how they are found again."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest
from pydantic import SecretStr

from storage import registry
from storage.registry import Database
from tidegate.github.connecting import ConnectError, Wanted, connect
from tidegate.github.connections import Connections, connections_of
from tidegate.github.sealing import SealedError, Sealer, sealer_of
from tidegate.settings import Settings

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecretkey\n-----END OPENSSH PRIVATE KEY-----\n"
WANTED = Wanted(repository="Acme/Models", model="loans", workspace="default", branch="main")


def _connected(database: Database, home: Path, **given: object) -> str | None:
    return connect(database, sealer_of(home), dataclasses.replace(WANTED, **given)).secret  # type: ignore[arg-type]


def test_secrets_are_nowhere_in_the_registry(database: Database, tmp_path: Path) -> None:
    secret = _connected(database, tmp_path, token="ghp_very_secret", deploy_key=KEY)
    database.close()
    assert secret is not None
    held = b"".join(path.read_bytes() for path in tmp_path.glob("registry.sqlite*"))
    found = connections_of(Settings(home=tmp_path), database).get(1)

    assert [text for text in (secret, "ghp_very_secret", "secretkey") if text.encode() in held] == []
    assert (tmp_path / "github-key").stat().st_mode & 0o777 == 0o600
    assert found is not None
    assert (found.secret, found.token, found.deploy_key) == (secret, "ghp_very_secret", KEY)
    assert not any(text in repr(found) for text in (secret, "ghp_very_secret", "secretkey"))


def test_another_key_opens_nothing_and_says_so(database: Database, tmp_path: Path) -> None:
    _connected(database, tmp_path)
    (tmp_path / "github-key").write_text("tg_another\n")
    connections = Connections(database, tmp_path, None)

    with pytest.raises(SealedError, match="connect the repository again"):
        connections.get(1)
    assert connections.of_repository("acme/models") == []
    assert Sealer("a").open(Sealer("a").seal("x")) == "x"


def test_models_of_one_repository_share_its_webhook(database: Database, tmp_path: Path) -> None:
    first = _connected(database, tmp_path, path="./models/loans/")
    second = _connected(database, tmp_path, model="cards", path="models/cards")
    found = Connections(database, tmp_path, None).of_repository("ACME/models")

    assert first is not None
    assert second is None, "its webhook has the secret already"
    assert [(each.model, each.secret) for each in found] == [("cards", first), ("loans", first)]
    assert [each.path for each in registry.github_connections(database)] == ["models/cards", "models/loans"]


def test_another_secret_is_that_of_every_model_of_the_repository(database: Database, tmp_path: Path) -> None:
    _connected(database, tmp_path)
    _connected(database, tmp_path, repository="acme/other", model="iris", secret="s" * 32)
    _connected(database, tmp_path, model="cards", secret="t" * 32)
    connections = Connections(database, tmp_path, None)

    assert {each.secret for each in connections.of_repository("acme/models")} == {"t" * 32}
    assert {each.secret for each in connections.of_repository("acme/other")} == {"s" * 32}


def test_a_model_has_one_connection(database: Database, tmp_path: Path) -> None:
    _connected(database, tmp_path)
    _connected(database, tmp_path, repository="acme/other", branch="release")
    (only,) = registry.github_connections(database)

    assert (only.repository, only.branch) == ("acme/other", "release")
    registry.note_deployed_tree(database, only.id, "a" * 40)
    assert registry.get_github_connection(database, only.id).deployed_tree == "a" * 40
    registry.disconnect_github(database, only.id)
    registry.note_deployed_tree(database, only.id, "b" * 40)
    assert Connections(database, tmp_path, None).get(only.id) is None


@pytest.mark.parametrize("number", [-1, 0, 7, 2**31, 2**63, 10**30])
def test_a_number_that_no_connection_has_is_said_however_large(database: Database, number: int) -> None:
    for asked in (registry.get_github_connection, registry.disconnect_github):
        with pytest.raises(registry.UnknownConnectionError, match=f"no connection {number}:"):
            asked(database, number)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/models.git",
        "https://user:word@git.example.test:8443/a/b",
        "ssh://git@[::1]:22/srv/models.git",
        "git@github.com:acme/models.git",
    ],
)
def test_ordinary_addresses_can_be_connected(database: Database, tmp_path: Path, url: str) -> None:
    _connected(database, tmp_path, clone_url=url)
    assert [each.clone_url for each in registry.github_connections(database)] == [url]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"repository": "acme"}, "OWNER/NAME"),
        ({"repository": "acme/../x"}, "OWNER/NAME"),
        ({"model": "../x"}, "cannot be a model's"),
        ({"branch": "--upload-pack=x"}, "no name of a branch"),
        ({"branch": "a\u202eb"}, "no name of a branch"),
        ({"path": "/etc"}, "no folder within a repository"),
        ({"path": "models/../../x"}, "no folder within a repository"),
        ({"path": ".git"}, "no folder within a repository"),
        ({"path": "HEAD:x"}, "no folder within a repository"),
        ({"clone_url": "--upload-pack=touch x"}, "clone URL is none"),
        ({"clone_url": "ext::sh -c x"}, "clone URL is none"),
        ({"clone_url": "ssh://-oProxyCommand=x/y"}, "clone URL is none"),
        ({"clone_url": "-oProxyCommand=x@host:y"}, "clone URL is none"),
        ({"clone_url": "https://[/x"}, "clone URL is none"),
        ({"clone_url": "file:///home/somebody/private"}, "over the API"),
        ({"secret": "short"}, "less than 16 characters"),
        ({"token": "two\u2028lines"}, "token is none"),
        ({"deploy_key": "ssh-ed25519 AAAA public"}, "no private key"),
    ],
)
def test_what_cannot_be_connected_is_refused(
    database: Database, tmp_path: Path, given: dict[str, object], says: str
) -> None:
    with pytest.raises(ConnectError, match=says) as raised:
        _connected(database, tmp_path, **given)

    assert str(raised.value).isprintable()
    assert registry.github_connections(database) == []


def test_the_settings_are_a_connection_too(database: Database, tmp_path: Path) -> None:
    secret = SecretStr("from the settings")
    settings = Settings(home=tmp_path, github_repository="Acme/Market", github_secret=secret, github_previews=True)
    connections = connections_of(settings, database)
    (found,) = connections.of_repository("acme/market")

    assert (found.id, found.model, found.secret, found.previews) == (0, "market", "from the settings", True)
    own = connections.get(0)
    assert own is not None
    assert own.url == "https://github.com/Acme/Market.git"
    connections.note_deployed(0, "a" * 40)
    with sqlite3.connect(tmp_path / "registry.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM github_connections").fetchone() == (0,)
    connection.close()
