"""A model's `requirements.txt`, checked line by line: names, versions and markers, and nothing that names a place."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from model_runner.environment.cleaning import CONDA, BadLine, all_at_once
from model_runner.errors import ModelError

REQUIREMENTS_FILE = "requirements.txt"
MAX_BYTES = 100_000
_SHOWN = 200
_COMMENT = re.compile(r"(^|\s+)#.*$")
_PLAIN = "Write name==version, one package a line"
_OPTION_FIXES = {
    "-r": "Copy the lines of that file into this one",
    "--requirement": "Copy the lines of that file into this one",
    "-c": "Copy the versions of that file into this one",
    "--constraint": "Copy the versions of that file into this one",
    "-e": "Put the modules into the model folder itself, beside the model",
    "--editable": "Put the modules into the model folder itself, beside the model",
    "--hash": "Leave the hashes out: Tidegate takes and checks those of the index",
}
_INDEX_FIX = "Remove it: where packages come from is set where Tidegate runs (PIP_INDEX_URL or UV_DEFAULT_INDEX there)"


_ARCHIVES = (".whl", ".zip", ".gz", ".bz2", ".tgz")
"""Endings that make uv take a name for a file."""


@dataclass(frozen=True)
class Line:
    """One requirement, and the number of its line, from 1."""

    number: int
    requirement: Requirement


def parse_requirements(content: bytes) -> tuple[Line, ...]:
    """The requirements of a file, in its order.

    Raises:
        ModelError: every line that cannot be taken, and the fix.
    """
    good: list[Line] = []
    bad: list[tuple[BadLine, ModelError]] = []
    for number, text in enumerate(_text(content).splitlines(), start=1):
        bare = _COMMENT.sub("", text).strip()
        if not bare:
            continue
        try:
            good.append(Line(number, _requirement(number, bare)))
        except ModelError as error:
            bad.append((BadLine(number, bare), error))
    if len(bad) == 1:
        raise bad[0][1]
    if bad:
        raise all_at_once(REQUIREMENTS_FILE, {line.number: str(line.requirement) for line in good}, bad)
    return tuple(good)


def read_requirements(path: Path) -> bytes:
    """As much of the file as tells that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def refuse(number: int, problem: str, fix: str) -> ModelError:
    """The error of one line."""
    return ModelError(REQUIREMENTS_FILE, f"line {number}: {problem}", fix)


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        fix = "Keep the packages that the model itself needs"
        raise ModelError(REQUIREMENTS_FILE, f"has more than {MAX_BYTES:,} bytes", fix)
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        # Windows' older shell writes UTF-16 where `>` is told, always with its mark.
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        fix = "Save it as UTF-8 (in PowerShell: pip freeze | Out-File -Encoding utf8 requirements.txt)"
        raise ModelError(REQUIREMENTS_FILE, "is not UTF-8 text", fix) from error


def _requirement(number: int, text: str) -> Requirement:
    if text.startswith("-"):
        option = re.split(r"[\s=]", text)[0]
        name = option if option.startswith("--") else option[:2]
        raise refuse(number, f"the option {name!r} is not allowed", _OPTION_FIXES.get(name, _INDEX_FIX))
    if text.endswith("\\"):
        raise refuse(number, "goes on in the next line", "Write each requirement in one line, without --hash")
    if " --" in text:
        fix = _OPTION_FIXES["--hash"] if "--hash" in text else "Leave the options out"
        raise refuse(number, "has an option", fix)
    try:
        found = Requirement(text)
        hash(found)  # only now are its versions read
    except ValueError as error:  # InvalidRequirement is one; a version of 5,000 digits is another
        if "/" in text or "\\" in text or text.startswith((".", "~")):
            raise refuse(number, "names a path or an address", _PLAIN) from error
        reason = str(error).splitlines()[0]
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise refuse(number, f"{shown!r} is no requirement ({reason[:_SHOWN]})", _PLAIN) from error
    if found.url is not None:
        fix = f"Write {found.name}==version: only packages of the index can be installed"
        if found.url.startswith("file:"):
            fix += f". {CONDA}"
        raise refuse(number, f"{found.name!r} is to come from an address or a path", fix)
    if str(found).lower().replace("_", "-") == "pkg-resources==0.0.0":
        raise refuse(number, "pkg-resources==0.0.0 is written by Debian's pip, and is no package", "Remove the line")
    if found.name.endswith(_ARCHIVES):
        raise refuse(number, "names a path or an address", _PLAIN)
    return found
