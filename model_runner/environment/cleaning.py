"""Of a requirements file with many bad lines: all of them at once by reason, and what can be taken in their place.

`pip freeze` in conda names paths of the machine that built its packages, fifty a file: nobody wants them one a push.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from model_runner.errors import ModelError

CONDA = "In conda, `pip list --format=freeze > requirements.txt` writes names and versions alone"
_WHEEL = re.compile(r"/[A-Za-z0-9_.]+-([0-9][A-Za-z0-9.!+_]*)-[^/]*\.whl(#.*)?$")
_OF_CONDA = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)=([0-9][A-Za-z0-9.!+]*)(=[A-Za-z0-9_.]+)?$")
"""`conda list --export`: name=version=build."""
_MOST_LINES = 12
_LINE = 250
"""Characters; more would be cut where it is shown."""


@dataclass(frozen=True)
class BadLine:
    """One that is refused, and the number of its line."""

    number: int
    text: str


def all_at_once(file: str, good: Mapping[int, str], bad: Sequence[tuple[BadLine, ModelError]]) -> ModelError:
    """One error for all of them.

    Args:
        good: the requirements that can be taken, by the numbers of their lines.
        bad: the others, each with its own error.
    """
    reasons: dict[tuple[str, str], list[int]] = {}
    for line, error in bad:
        problem = _without_name(error.problem.partition(": ")[2])
        reasons.setdefault((problem, _without_name(error.fix)), []).append(line.number)
    said = [f"{_numbers(lines)}: {problem}. {fix}" for (problem, fix), lines in reasons.items()]
    kept = {**good, **{line.number: clean for line, _ in bad if (clean := cleaned(line.text)) is not None}}
    taken = [kept[number] for number in sorted(kept)]
    count = f"{len(bad)} of its {len(bad) + len(good)} lines cannot be taken"
    fix = ["Correct them all", *_bounded(said)]
    if taken:
        fix += ["With what can be taken of it the file is, one a line:", *_bounded(_folded(dict.fromkeys(taken)))]
    return ModelError(file, count, "\n".join(fix))


def cleaned(text: str) -> str | None:
    """The requirement that a bad line stands for, as far as it says; None where it stands for none of an index."""
    conda = _OF_CONDA.match(text)
    if conda is not None:
        return f"{conda[1]}=={conda[2]}"
    first = text.split(" --", 1)[0].rstrip("\\ ")
    try:
        found = Requirement(first)
    except InvalidRequirement:
        return None
    if found.url is None:
        return str(found) if first != text else None
    if not found.url.startswith("file:"):
        return None
    wheel = _WHEEL.search(found.url)
    return found.name if wheel is None else f"{found.name}=={wheel[1]}"


def _without_name(words: str) -> str:
    """The same for every package."""
    words = re.sub(r"^'[^']*' is to come", "is to come", words)
    words = re.sub(r"^'.*' is no requirement", "is no requirement", words)
    return re.sub(r"Write [\w.-]+==version", "Write name==version", words)


def _bounded(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"… and {more} lines more"] if more > 0 else [])]


def _numbers(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:30])) + (f" and {len(lines) - 30} more" if len(lines) > 30 else "")
    return f"line{'s' if len(lines) > 1 else ''} {shown}"


def _folded(words: Mapping[str, None]) -> list[str]:
    """Words in as few lines as can be shown whole."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 2 + len(word) > _LINE:
            lines.append("")
        lines[-1] += f", {word}" if lines[-1] else word
    return lines
