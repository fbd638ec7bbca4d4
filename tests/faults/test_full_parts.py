"""Small disks of their own: a full /tmp, a full folder of environments, while the rest has room."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.environments import SMALL, require_index, write_requirements
from tests.support.git_client import Clone, remote_url
from tests.support.models import EXAMPLE, write_classifier, write_test_rows
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

TMP_MB, ENVIRONMENTS_MB = 64, 800


@dataclass(frozen=True)
class Parts:
    stack: RunningStack
    tmp: SmallDisk
    environments: SmallDisk


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("parts")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        tmp = stack.enter_context(small_disk(folder / "tmp", TMP_MB))
        environments = stack.enter_context(small_disk(folder / "home" / "environments", ENVIRONMENTS_MB))
        patch.setenv("TMPDIR", str(tmp.folder))
        yield Parts(stack.enter_context(running_stack(folder)), tmp, environments)


def _model(folder: Path, name: str) -> Path:
    write_classifier(folder, toml=f'name = "{name}"\n')
    write_test_rows(folder, [EXAMPLE])
    return folder


def _status(stack: RunningStack, name: str) -> int:
    return httpx.post(f"{stack.gateway_url}/v1/models/{name}/predict", json=EXAMPLE, timeout=60).status_code


def test_a_full_tmp_stops_no_prediction_and_refuses_in_words(parts: Parts, tmp_path: Path) -> None:
    stack = parts.stack
    stack.tidegate("deploy", str(_model(tmp_path / "first", "first")))
    wait_until(lambda: _status(stack, "first") == 200, 60, "an answer")
    clone = Clone(tmp_path / "clone", remote_url(stack, "second"))
    _model(clone.folder, "second")
    clone.commit()

    with parts.tmp.full():
        deployed = stack.tidegate("deploy", str(tmp_path / "first"), check=False)
        pushed = clone.push()
    for code, said in ((deployed.returncode, deployed.stderr), (pushed.code, pushed.output)):
        assert code == 0 or "no space left on the disk" in said or "has no room" in said, said
        assert "Traceback" not in said
    assert _status(stack, "first") == 200
    restarted = stack.kill("gateway")
    stack.wait_ready("gateway", other_than=restarted)
    wait_until(lambda: _status(stack, "first") == 200, 60, "an answer of a gateway that began without room in /tmp")

    parts.tmp.clear()
    stack.tidegate("deploy", str(tmp_path / "first"))
    clone.git("commit", "--quiet", "--allow-empty", "--message", "again")
    again = clone.push()
    assert again.code == 0, again
    wait_until(lambda: _status(stack, "second") == 200, 60, "what was pushed to answer")


def test_a_full_folder_of_environments_refuses_what_needs_one_and_nothing_else(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "probe").mkdir()
    require_index(tmp_path / "probe")
    stack = parts.stack
    plain, wanting = _model(tmp_path / "plain", "plain"), _model(tmp_path / "wanting", "wanting")
    write_requirements(wanting, "scikit-learn", SMALL)

    with parts.environments.full():
        stack.tidegate("deploy", str(plain))
        refused = stack.tidegate("deploy", str(wanting), check=False)
    assert refused.returncode != 0
    assert "no space left on the disk" in refused.stderr or "has no room" in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr
    assert _status(stack, "plain") == 200

    parts.environments.clear()
    stack.tidegate("deploy", str(wanting))
    wait_until(lambda: _status(stack, "wanting") == 200, 60, "an answer from the environment")
