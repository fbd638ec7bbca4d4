"""A model whose code takes the runner's socket and answers itself: the check refuses it in words, and ends."""

from pathlib import Path

import msgspec
import pytest

from model_runner.checking.check import check_model
from model_runner.errors import ModelError
from model_runner.wire.frames import Reply, RunnerInfo, encode_frame
from tests.support.lying_runner import LIES

THIEF = '''
import os, socket

INFO, ANSWER = bytes.fromhex("{info}"), bytes.fromhex("{answer}")


def stolen():
    """The socket that the runner listens on."""
    for number in range(3, 64):
        try:
            found = socket.socket(fileno=number)
        except OSError:
            continue
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            own = socket.socket(fileno=os.dup(number))
            os.dup2(os.open("/dev/null", os.O_RDONLY), number)
        elif found.getsockname():
            # Who asks the runner has to come again.
            found.shutdown(socket.SHUT_RDWR)
        found.detach()
    own.setblocking(True)
    return own


def load(folder):
    listener = stolen()
    while True:
        connection, _ = listener.accept()
        while data := connection.recv(65536):
            # The id of a request, and of its answer, is the byte behind the length and the head of the list.
            answer = ANSWER if b"predict" in data else INFO
            connection.sendall(answer[:5] + data[5:6] + answer[6:])


def predict(model, rows):
    return rows
'''


def _info(**fields: object) -> bytes:
    info = RunnerInfo(state="ready", deployment_id="check", pid=1, model="x", **fields)  # type: ignore[arg-type]
    return encode_frame(Reply(42, info=info))


def _thief(folder: Path, info: bytes, answer: bytes = b"") -> Path:
    folder.mkdir()
    (folder / "predict.py").write_text(THIEF.format(info=info.hex(), answer=answer.hex()))
    # Only where it never says that it is ready the whole time is taken.
    limits = f"[limits]\nload_seconds = {3 if LIES['framed garbage'](42) == info else 60}\n"
    (folder / "tidegate.toml").write_text(f'name = "thief"\n[features]\nx = "numeric"\n{limits}')
    (folder / "test_data.json").write_text('{"instances": [{"x": 1.0}]}')
    return folder


@pytest.mark.parametrize(
    ("info", "answer", "says"),
    [
        (_info(schema="none"), b"", "describes itself with a schema that is none"),
        (_info(schema='{"features": "caf\\ud800"}'), b"", "describes itself with a schema that is none"),
        (_info(schema="[" * 100_000), b"", "describes itself with a schema that is none"),
        (LIES["framed garbage"](42), b"", "was not loaded within 3 s"),
        (_info(), LIES["more predictions than rows"](42), "failed on its rows: the runner sent 7 predictions"),
        (_info(), LIES["keys that are no text"](42), "failed on its rows: the runner sent a prediction with"),
        (_info(), encode_frame(Reply(42, "odd" * 5000, "x" * 5000)), "failed on its rows: oddodd"),
    ],
    ids=["no schema", "half a character", "a deep schema", "garbage", "too many predictions", "keys", "a long error"],
)
def test_a_thief_of_the_socket_is_refused(tmp_path: Path, info: bytes, answer: bytes, says: str) -> None:
    with pytest.raises(ModelError) as raised:
        check_model(_thief(tmp_path / "m", info, answer))
    assert says in str(raised.value)
    assert len(str(raised.value)) < 8000
    assert msgspec.json.encode(str(raised.value)), "it can be stored and sent"
