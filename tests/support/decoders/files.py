"""Files of models, of the home folder, and of commands."""

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec import structs
from pyarrow import parquet

from gateway.edge.token import TokenError, load_or_make
from model_runner.environment import LOCK_FILE, EnvironmentBuildError, Store, at_hand
from model_runner.environment.requirements import parse_requirements
from model_runner.environment.store import ABOUT_FILE, About
from model_runner.errors import ModelError
from model_runner.explaining.report import read_error, write_error
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import read_reference
from model_runner.folder.schema_source import SEAL_FILE, ModelInputs, _read_sealed
from model_runner.folder.test_rows import read_test_rows
from stream.contracts import sealed
from tests.support.decoders.samples import NOW, ROW, SCHEMA
from tests.support.fuzzing import Decoder
from tidegate.cli.exits import CliError
from tidegate.cli.rows.asking import bodies
from tidegate.cli.rows.rows import Wanted, read_rows
from tidegate.parts.state import STATE_FILE, Condition, PartState, Phase, StackState, read_state
from tidegate.pods.start_file import FILE as START_FILE
from tidegate.pods.start_file import Start, read_start

TOML = b"""
name = "loans"
task = "classification"

[features]
age = "numeric"
home = { type = "categorical", categories = ["rent", "own"] }

[reference]
target = "y"
timestamp = "at"

[drift]
psi_threshold = 0.2

[serving]
replicas = 2
idle_seconds = 60.0

[limits]
memory = "2GB"
cpus = 1.0
load_seconds = 60.0
"""
WANTED = Wanted({"age": ["number", "null"], "home": ["string"], "open": ["boolean", "null"]}, ["age"])
CSV = b"age,income,home,open\n41,1234.5,rent,true\n,7e3,own,false\n5,,,\n"


def files(scratch: Path) -> Iterator[Decoder]:
    yield _file(scratch, "tidegate.toml", TOML, read_manifest)
    requirements = b"numpy==2.1.0\nscikit-learn>=1.5,<2  # fine\n\npandas[parquet]~=2.2 ; python_version < '4'\n"
    yield Decoder("file: requirements.txt", [requirements], parse_requirements, (ModelError,))
    rows = json.dumps({"instances": [ROW, ROW], "expected": [1, 0]}).encode()
    yield _file(scratch, "test_data.json", rows, lambda folder: read_test_rows(read_manifest(folder)))
    yield _file(scratch, "reference.csv", CSV, lambda folder: read_reference(read_manifest(folder)))
    yield _file(scratch, "reference.parquet", _parquet(), lambda folder: read_reference(read_manifest(folder)))
    token = scratch / "token"
    yield Decoder("file: token", [b"tg_0123456789abcdef\n"], lambda data: _token(token, data), (TokenError,))
    state = StackState(
        pid=1,
        phase=Phase.RUNNING,
        since=NOW,
        parts=(PartState(name="broker", condition=Condition.READY, since=NOW, port=1, log="/l"),),
    )
    yield Decoder(
        "file: state",
        [sealed.encode(state), msgspec.json.encode(structs.replace(state, v=1))],
        lambda data: _state_file(scratch, data),
    )
    yield from _own(scratch)
    lines = b'{"a": 1}\n{"a": 2.5}\n'
    kinds = (("rows.json", rows), ("rows.csv", CSV), ("rows.ndjson", lines), ("rows.parquet", _parquet()))
    for name, content in kinds:
        yield Decoder(f"command: {name}", [content], lambda data, name=name: _rows(data, name), (CliError,))  # type: ignore[misc]


def _file(scratch: Path, name: str, content: bytes, read: Callable[[Path], object]) -> Decoder:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    (folder / "model.joblib").write_bytes(b"x")

    def write_and_read(data: bytes) -> None:
        (folder / name).write_bytes(data)
        read(folder)

    return Decoder(f"file: {name}", [content], write_and_read, (ModelError,))


def _own(scratch: Path) -> Iterator[Decoder]:
    """Files that Tidegate wrote for itself."""
    store = Store(scratch / "environments", scratch / "downloads")
    folder = store.folder("one")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    about = msgspec.json.encode(About(key="one", packages=("numpy==2.1.0",), python="3.11.7", bytes=5, seconds=0.5))
    yield _kept("file: environment", folder / ABOUT_FILE, about, lambda _: store.about("one"))
    lock = b"numpy==2.1.0 \\\n    --hash=sha256:ab\nscipy==1.15.0\n"
    packages = scratch / LOCK_FILE
    yield _kept("file: packages", packages, lock, lambda path: at_hand(path.parent, store), (EnvironmentBuildError,))
    inputs = msgspec.json.encode(ModelInputs(SCHEMA, ROW, "test_data.json"))
    yield _kept("file: inputs", scratch / SEAL_FILE, inputs, _read_sealed, (ModelError,))
    start = msgspec.json.encode(Start("/f", "/bin/python", ("-I",), ("-m", "model_runner")))
    yield _kept("file: start of a pod", scratch / START_FILE, start, lambda path: read_start(path.parent), (OSError,))
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        write_error(ModelError("model.pkl", "is damaged", "Save it again"))
    yield Decoder("runner: what it says", [said.getvalue().encode()], lambda data: read_error(data.decode("latin-1")))


def _kept(
    name: str,
    path: Path,
    content: bytes,
    read: Callable[[Path], object],
    refusals: tuple[type[Exception], ...] = (),
) -> Decoder:
    def write_and_read(data: bytes) -> None:
        path.write_bytes(data)
        read(path)

    return Decoder(name, [content], write_and_read, refusals)


def _parquet() -> bytes:
    table = pa.table({"age": [41, None, 5], "income": [1.5, 2.5, None], "home": ["rent", "own", None]})
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def _token(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)
    load_or_make(path)


def _state_file(scratch: Path, data: bytes) -> None:
    (scratch / STATE_FILE).write_bytes(data)
    read_state(scratch)


def _rows(data: bytes, name: str) -> None:
    for body in bodies(read_rows(data, name, WANTED).read(), 1_000_000, 10):
        body.encoded()
