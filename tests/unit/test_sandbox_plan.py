"""What a sandbox is asked to do: who may run at all, with which limits, and what the command lines say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.limits import Limits, parse_size
from model_runner.process.endings import how_ended
from model_runner.sandbox import bubblewrap, cgroup, policy
from model_runner.sandbox.plan import Confinement, Mechanism, View, environment, orders
from model_runner.sandbox.policy import SandboxPolicy
from model_runner.sandbox.probing import Found
from model_runner.sandbox.python_folders import python_folders
from tests.support.models import write_classifier
from tidegate.sandboxing import sandbox_policy
from tidegate.settings import Settings

BOTH = Found("/usr/bin/bwrap", "", 7, "")
ONLY_LANDLOCK = Found(None, "bubblewrap cannot make namespaces here: Operation not permitted", 4, "")
NEITHER = Found(None, "bubblewrap is not installed", 0, "this kernel has no Landlock")
MAC = Found(None, "there is no sandbox on Darwin", 0, "there is no sandbox on Darwin")


def _confine(monkeypatch: pytest.MonkeyPatch, found: Found, wanted: SandboxPolicy, model: str = "m") -> Confinement:
    monkeypatch.setattr(policy, "probe", lambda: found)
    return policy.confine(wanted, Limits(), workspace="default", model=model, process="d1")


@pytest.mark.parametrize(
    ("found", "wanted", "mechanism"),
    [
        (BOTH, SandboxPolicy(), Mechanism.BUBBLEWRAP),
        (BOTH, SandboxPolicy("landlock"), Mechanism.LANDLOCK),
        (BOTH, SandboxPolicy(allow_unsandboxed=True), Mechanism.BUBBLEWRAP),
        (ONLY_LANDLOCK, SandboxPolicy(), Mechanism.LANDLOCK),
        (NEITHER, SandboxPolicy(allow_unsandboxed=True), Mechanism.NONE),
    ],
)
def test_the_best_that_works_is_taken(
    monkeypatch: pytest.MonkeyPatch, found: Found, wanted: SandboxPolicy, mechanism: Mechanism
) -> None:
    confinement = _confine(monkeypatch, found, wanted)
    assert confinement.mechanism is mechanism
    assert ("all rights of its user" in confinement.remarks[0]) == (mechanism is Mechanism.NONE)
    assert "rlimits" in confinement.remarks[0]


@pytest.mark.parametrize(
    ("found", "wanted", "reasons"),
    [
        (NEITHER, SandboxPolicy(), ["bubblewrap is not installed", "no Landlock"]),
        (ONLY_LANDLOCK, SandboxPolicy("bubblewrap"), ["Operation not permitted"]),
        (MAC, SandboxPolicy(), ["there is no sandbox on Darwin"]),
    ],
)
def test_where_nothing_works_models_are_refused_with_the_reason_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, found: Found, wanted: SandboxPolicy, reasons: list[str]
) -> None:
    with pytest.raises(ModelError) as raised:
        _confine(monkeypatch, found, wanted)
    for text in [*reasons, "apt-get install bubblewrap", "TIDEGATE_ALLOW_UNSANDBOXED=true"]:
        assert text in str(raised.value)


def test_the_network_is_granted_by_the_operator_to_a_model_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({"home": "/tmp/x", "sandbox_network": "fetcher, other/model"})
    wanted = sandbox_policy(settings)
    assert wanted.network == {"default/fetcher", "other/model"}
    view = View((Path("/model"),))
    for model, granted in (("fetcher", True), ("m", False)):
        confinement = _confine(monkeypatch, BOTH, wanted, model)
        command = bubblewrap.command(confinement, view, ["python"])
        assert ("--unshare-net" not in command) == orders(confinement, view).network == granted


def test_nothing_of_the_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    wanted = SandboxPolicy(marks={"TIDEGATE_STACK": "/home/x/.tidegate"})
    found = environment(_confine(monkeypatch, BOTH, wanted))
    assert found["HOME"] == found["TMPDIR"] == "/tmp"
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert found["TIDEGATE_STACK"] == "/home/x/.tidegate"


def test_this_python_runs_with_nothing_but_its_folders() -> None:
    found = python_folders(Path(sys.executable))
    assert Path(sys.prefix, "lib") in found
    assert Path(sys.base_prefix).resolve() / "lib" in found
    assert all(folder.exists() for folder in found)
    assert Path("/") not in found
    assert Path.home() not in found


def test_what_lies_beside_a_python_is_not_shown(tmp_path: Path) -> None:
    """A project that is its own environment, with links to Python in a folder that holds other things as well."""
    links, project = tmp_path / "local", tmp_path / "project"
    for folder in (links / "bin", links / "share", project / "bin", project / "lib"):
        folder.mkdir(parents=True)
    (links / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    (links / "share" / "secret").touch()
    (project / "bin" / "python").symlink_to(links / "bin" / "python3")
    (project / "pyvenv.cfg").write_text(f"home = {links / 'bin'}\n")
    (project / ".env").touch()
    found = python_folders(project / "bin" / "python")
    assert {project / "bin", project / "lib", links / "bin" / "python3"} <= set(found)
    for secret in (project / ".env", links / "share" / "secret"):
        assert not any(secret.is_relative_to(folder) for folder in found)


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("512 MiB", 512 * 2**20), ("0.5gb", 5 * 10**8)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('memory = "lots"', "[limits] memory 'lots' is no size"),
        ('memory = "2"', "is no size"),
        ('memory = "1MB"', "less than the 256 MB"),
        ("cpus = 0", "cpus"),
        ("load_secs = 3", "Did you mean 'load_seconds'?"),
    ],
)
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, lines: str, says: str) -> None:
    folder = write_classifier(tmp_path, toml=f"[limits]\n{lines}\n")
    with pytest.raises(ModelError) as raised:
        read_manifest(folder)
    assert raised.value.file == "tidegate.toml"
    assert says in str(raised.value)


def test_limits_of_the_toml(tmp_path: Path) -> None:
    toml = '[limits]\nmemory = "3GB"\ncpus = 2\nload_seconds = 90\npredict_seconds = 1.5\n'
    limits = read_manifest(write_classifier(tmp_path, toml=toml)).limits
    assert limits == Limits(3 * 10**9, 2, 90, 1.5)
    assert limits.threads == 2
    assert cgroup.files(limits.memory_bytes, 256, limits.cpus) == {
        "memory.max": "3000000000",
        "memory.swap.max": "0",
        "pids.max": "256",
        "cpu.max": "200000 100000",
    }


@pytest.mark.parametrize(("code", "words"), [(-9, "SIGKILL"), (137, "SIGKILL"), (139, "SIGSEGV"), (9, "exit code 9")])
def test_how_a_process_ended(code: int, words: str) -> None:
    assert how_ended(code) == words


def test_a_control_group_holds_a_process_and_is_removed_by_the_next(tmp_path: Path) -> None:
    """On a real mount of version 2, below a folder of the test's own; its limits where the machine has controllers."""
    mount = next((path for path in (cgroup.MOUNT, cgroup.MOUNT / "unified") if (path / "cgroup.procs").exists()), None)
    if mount is None or not os.access(mount / "cgroup.procs", os.W_OK):
        pytest.skip("NOT TESTED: there are no control groups of version 2 that this user may change")
    own = mount / f"tidegate-test-{os.getpid()}"
    code = (
        "import sys; from pathlib import Path; from model_runner.sandbox import cgroup;"
        f"group = cgroup.join(sys.argv[1], {{}}, Path({str(own)!r}));"
        "print(Path('/proc/self/cgroup').read_text())"
    )
    (own / "tidegate").mkdir(parents=True)
    try:
        for name in ("first", "second"):
            done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
            assert f"0::/{own.name}/tidegate/{name}" in done.stdout
        assert not (own / "tidegate" / "first").exists()
    finally:
        for group in (own / "tidegate" / "second", own / "tidegate" / "first", own / "tidegate", own):
            if group.exists():
                group.rmdir()
