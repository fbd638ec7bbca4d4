"""The counts of a run, as the table of docs/models.md."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.support.conformance.cases import Case
from tests.support.conformance.running import Outcome, Result

BEGIN, END = "<!-- conformance -->", "<!-- /conformance -->"
FORMATS = {
    "pkl": "`model.pkl`",
    "joblib": "`model.joblib`, compressed",
    "skops": "`model.skops`",
    "onnx": "`model.onnx`, by skl2onnx",
    "ubj": "`model.ubj`",
    "json": "`model.json`",
    "txt": "`model.txt`",
    "cbm": "`model.cbm` and a `predict.py`",
    "results": "`results.pickle` and a `predict.py`",
    "prophet": "`prophet.json` and a `predict.py`",
    "forecaster": "`model.joblib` and a `predict.py`",
    "zip": "`model.zip` and a `predict.py`",
    "pt2": "`model.pt2`",
    "script": "`model.pt`, TorchScript",
    "module": "`model.pt`, the whole module",
    "weights": "`model.pt`, a state dict, and a `predict.py`",
}
COLUMNS = (Outcome.EQUAL, Outcome.REFUSED, Outcome.FAILED, Outcome.DIFFERENT)
Key = tuple[str, str]
"""Library and suffix."""


@dataclass
class Counts:
    """Of the cases of one library in one format; those that the library does not fit or save are left out."""

    of: Counter[Outcome] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        return sum(self.of[each] for each in COLUMNS)


def counted(results: Iterable[tuple[Case, Result]]) -> dict[Key, Counts]:
    found: dict[Key, Counts] = {}
    for case, result in results:
        found.setdefault((case.library, case.saved), Counts()).of[result.outcome] += 1
    return found


def rows(counts: Mapping[Key, Counts]) -> dict[str, str]:
    """The table's lines, each by how it begins."""
    lines = {}
    for (library, suffix), each in counts.items():
        begins = f"| {library} | {FORMATS[suffix]} |"
        numbers = (each.cases, *(each.of[column] for column in COLUMNS))
        lines[begins] = f"{begins} {' | '.join(f'{number:,}' for number in numbers)} |"
    return lines


def head() -> list[str]:
    names = ("library", "saved as", "cases", *COLUMNS)
    return [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]


def written_into(text: str, counts: Mapping[Key, Counts]) -> str:
    """A page whose table has these lines in the place of former ones; those of other libraries stay."""
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = {line[: line.index("|", line.index("|", 1) + 1) + 1]: line for line in table.split("\n") if _is_row(line)}
    lines |= rows(counts)
    return "\n".join([f"{before}{BEGIN}", *head(), *lines.values(), f"{END}{after}"])


def _is_row(line: str) -> bool:
    return line.startswith("| ") and not line.startswith(("| library", "| ---"))
