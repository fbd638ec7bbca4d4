"""From what a model asks for to the exact packages, with their hashes."""

import hashlib
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_runner.disk.durable import make_folder, write_file
from model_runner.disk.space import says_full
from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.host import installed_versions
from model_runner.environment.key import packages_of
from model_runner.environment.needs import PINNED, with_needs
from model_runner.environment.requirements import REQUIREMENTS_FILE, Line
from model_runner.environment.store import RESOLVED, RESOLVING, Store
from model_runner.environment.uv import Finished, Tell, run_uv
from model_runner.errors import ModelError

_UNSATISFIABLE = 1
"""uv's exit code where the requirements are at fault; others are the network's or the machine's."""
_OPTIONS = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--generate-hashes")


def resolve(lines: Sequence[Line], store: Store, tell: Tell) -> str:
    """The packages to install, as uv's list with hashes. Where the model leaves a version open it is Tidegate's own.

    While the index cannot be asked, what it answered to the same question before will do.

    Raises:
        ModelError: the requirements cannot be met, and which.
        EnvironmentBuildError: the index cannot be asked, and never was asked this.
    """
    tell(f"resolving {len(lines)} requirement{'s' if len(lines) != 1 else ''}")
    installed = installed_versions()
    wanted = with_needs(lines, installed)
    known = _answer_path(store, wanted, installed)
    try:
        text = _ask_index(wanted, installed, store, tell)
    except EnvironmentBuildError as error:
        before = _kept(known)
        if before is None:
            raise
        tell(f"{error} Taking what was resolved for the same requirements before.")
        text = before
    else:
        _keep(text, known)
    tell(f"resolved to {len(packages_of(text))} packages")
    return text


def _ask_index(wanted: Sequence[str], installed: Mapping[str, str], store: Store, tell: Tell) -> str:
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=RESOLVING, dir=store.root) as name:
        scratch = Path(name)
        (scratch / "wanted.txt").write_text("\n".join(wanted), "utf-8")
        # uv keeps to the versions that it finds in its output file where it can.
        lock = scratch / "lock.txt"
        lock.write_text("\n".join(f"{name}=={version}" for name, version in installed.items()), "utf-8")
        options = ("--python", sys.executable, "--no-build", *_OPTIONS, "--output-file", str(lock))
        done = run_uv(("pip", "compile", "wanted.txt", *options), scratch, store.downloads, tell, store.timeout_s)
        if done.code:
            raise failure(done)
        return lock.read_text("utf-8")


def _answer_path(store: Store, wanted: Sequence[str], installed: Mapping[str, str]) -> Path:
    """Where the answer to this question is kept: all that it follows from, but the index."""
    question = "\n".join([sys.version, *wanted, "", *(f"{name}=={version}" for name, version in installed.items())])
    return store.root / RESOLVED / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.txt"


def _keep(text: str, path: Path) -> None:
    """Whole, or not at all; each answer has a few kilobytes."""
    make_folder(path.parent)
    write_file(path, f"{_head(text)}\n{text}".encode())


def _kept(path: Path) -> str | None:
    """What `_keep` wrote; None where there is none, or it is damaged: a list that is cut is a list of less."""
    try:
        head, _, text = path.read_text("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if head == _head(text) else None


def _head(text: str) -> str:
    return f"# sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def failure(done: Finished) -> Exception:
    """What a failed uv had to say, as the error of whoever is at fault."""
    said = [re.sub(r"^(error|hint|cause|\s*cause): ", "", line).strip() for line in done.lines if line.strip()]
    text = " ".join(line for line in said if not line.startswith(("Using ", "Resolved "))) or "uv said nothing"
    if says_full(text):
        return EnvironmentBuildError(f"{text}. There is no room on the disk for the packages: `tidegate gc` makes some")
    if done.code != _UNSATISFIABLE:
        return EnvironmentBuildError(f"{text}. Is the package index reachable? Where it is: docs/environments.md")
    return ModelError(REQUIREMENTS_FILE, text.rstrip("."), _fix_of(text))


def _fix_of(text: str) -> str:
    if "no usable wheels" in text or "building from source is disabled" in text:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"Take a version that has a wheel for Python {version} on this platform: nothing is built from source"
    if any(name in text for name in PINNED):
        return f"The runner of the model needs {', '.join(PINNED)} as Tidegate has it: take versions that agree with it"
    return "Correct the versions"
