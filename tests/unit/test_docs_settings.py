"""The documentation says what the code says: its tables, error codes, contracts, and the files that it names."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from gateway.events import InferenceEvent
from stream.contracts.alerts import Alert
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import Topic
from tidegate.settings import Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
API = (ROOT / "docs" / "api.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
CODE = re.compile(r"^```.*?^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w/.~$<>{-])([a-z_]+(?:/[\w.<>*{}-]+)+/?)")
OTHER = re.compile(r"<\w+>(?!\.\w+$)")
"""A name that we give to something else, such as a check at GitHub."""
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]+))?\)|\]\(#([^)]+)\)")
REFUSED = re.compile(r'Refusal\(\s*(?:\d{3}|CLIENT_GONE), "(\w+)"')


def docs_tables() -> ModuleType:
    spec = spec_from_file_location("docs_tables", ROOT / "tools" / "docs_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of the headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_generated_tables_are_up_to_date() -> None:
    assert docs_tables().filled(OPERATIONS) == OPERATIONS, "run `.venv/bin/python tools/docs_tables.py`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    described = Settings.model_fields[name].description
    assert described, f"say what {name} means"
    assert re.search(rf"^\| `TIDEGATE_{name.upper()}` \| .* \| {re.escape(described)} \|$", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_dead_letter_is_explained(reason: Reason) -> None:
    assert f"| `{reason.value}` |" in OPERATIONS


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_has_its_row_and_its_table(topic: Topic) -> None:
    assert f"| `{topic.value}` |" in OPERATIONS
    assert f"| `{topic.value.replace('.', '_')}` |" in OPERATIONS


def test_every_error_code_of_the_gateway_is_explained() -> None:
    paths = [path for path in (ROOT / "gateway").rglob("*.py") if "git" not in path.relative_to(ROOT).parts]
    sources = [path.read_text("utf-8") for path in paths]
    codes = {code for source in sources for code in REFUSED.findall(source)}
    assert {"invalid_features", "overloaded", "runner_failed", "not_finite"} <= codes
    assert {code for code in codes if f"| `{code}` |" not in API} == set()


@pytest.mark.parametrize("contract", [InferenceEvent, Alert])
def test_every_field_of_a_contract_is_explained(contract: type[msgspec.Struct]) -> None:
    names = {field.name for field in msgspec.structs.fields(contract)}
    assert {name for name in names if not re.search(rf"^\| [^|]*`{name}`[^|]*\|", API, re.MULTILINE)} == set()


def missing_paths(text: str) -> list[str]:
    """Those of this checkout that stand in code and are not there. `<name>.py` and `*` stand for any file."""
    code = (found[0] for found in CODE.finditer(text))
    paths = {
        path for piece in code for path in PATH.findall(piece) if path.split("/")[0] in TOP and not OTHER.search(path)
    }
    return sorted(path for path in paths if not list(ROOT.glob(re.sub(r"<\w+>", "*", path))))


def test_a_path_that_is_not_there_is_found() -> None:
    assert missing_paths("`stream/gone.py`, `make test TESTS=tests/gone` and `gateway/git/`") == [
        "stream/gone.py",
        "tests/gone",
    ]
    assert missing_paths("```sh\n.venv/bin/python tools/gone.py\n```\n`/v1/models/gone`") == ["tools/gone.py"]
    assert missing_paths("`stream/statistics/<name>.py`, `tidegate/<model>/preview`") == []
    assert missing_paths("`stream/gone/<name>.py`") == ["stream/gone/<name>.py"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    gone = missing_paths(text)
    for target, anchor, own in LINK.findall(text):
        other = page.parent / target if target else page
        if not other.exists():
            gone.append(target)
        elif (anchor or own) and other.suffix == ".md" and (anchor or own) not in anchors(other):
            gone.append(f"{target}#{anchor or own}")
    assert gone == []
