"""The installation's token: made once, for its owner's eyes, and compared whatever the header's form."""

import base64
import stat
from pathlib import Path

import pytest

from gateway.token import load_or_create, matches


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_it_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    token = load_or_create(tmp_path / "home")

    assert load_or_create(tmp_path / "home") == token
    assert stat.S_IMODE((tmp_path / "home" / "token").stat().st_mode) == 0o600
    assert len(token) > 40
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["token"]


def test_an_empty_file_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")

    with pytest.raises(ValueError, match="is empty"):
        load_or_create(tmp_path)


@pytest.mark.parametrize("header", ["Bearer tg_x", "bearer tg_x", _basic("anyone", "tg_x"), _basic("", "tg_x")])
def test_it_is_a_bearer_or_the_password_of_any_user(header: str) -> None:
    assert matches("tg_x", header)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer tg_y", "Basic tg_x", "Basic %%%", _basic("tg_x", ""), "Digest tg_x", "tg_x"]
)
def test_everything_else_is_refused(header: str | None) -> None:
    assert not matches("tg_x", header)
