"""The token: made once, readable by its owner alone, never shown by accident."""

import base64
import threading
from pathlib import Path

import pytest

from gateway.edge.token import Token, TokenError, bearer_of, load_or_make, password_of


def test_it_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "home" / "token"
    made = load_or_make(path).reveal()
    assert load_or_make(path).reveal() == made
    assert len(made) > 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["token"]


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("tg_known\n")
    path.chmod(0o644)
    assert load_or_make(path).expected() == ("tg_known",)
    assert path.stat().st_mode & 0o777 == 0o600


def test_many_who_start_at_once_have_the_same(tmp_path: Path) -> None:
    found: list[str] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        found.append(load_or_make(tmp_path / "token").reveal())

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", ["", "\n", "tö"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content, "utf-8")
    with pytest.raises(TokenError, match="remove it"):
        load_or_make(tmp_path / "token")


def test_it_does_not_show_itself() -> None:
    assert "tg_abc" not in f"{Token('tg_abc')!r} {Token('tg_abc')}"


def test_it_is_read_from_either_header() -> None:
    basic = b"Basic " + base64.b64encode(b"anybody:tg_a:b")
    assert bearer_of([(b"host", b"h"), (b"authorization", b"bearer tg_abc")]) == "tg_abc"
    assert password_of([(b"authorization", basic)]) == "tg_a:b"
    for wrong in (b"", b"Bearer", b"Bearer ", b"Basic !!!", b"Basic " + base64.b64encode(b"\xff\xfe"), b"Basic YWI="):
        assert (bearer_of([(b"authorization", wrong)]), password_of([(b"authorization", wrong)])) == (None, None)
