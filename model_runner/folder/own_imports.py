"""What a folder's own Python imports before anything else of it runs: that may be imported before it is there.

Read by a pattern, and only as far as there is nothing but imports. What comes after may set an environment variable,
fill `sys.modules` or change a library, and what is imported behind that must stay behind it.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath

from model_runner.folder.manifest import Manifest

LIBRARIES = frozenset(
    {"numpy", "pandas", "scipy", "sklearn", "joblib", "torch", "xgboost", "lightgbm", "onnxruntime", "skops"}
)
"""Names of our own: nothing else is ever imported because a file says so."""
_MOST_CHARACTERS = 65_536
_MOST_SCRIPTS = 64
"""Of a folder that are followed: one that imports the next without end is not to use up the stack."""
_END = r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)"
_NAMES = r"\w+(?:[ ]as[ ]\w+)?(?:,[ ]?\w+(?:[ ]as[ ]\w+)?)*"
_NOTHING = re.compile(rf'(?:"""(?:[^"\\]|"(?!""))*"""|"[^"\\\n]*")?{_END}')
"""A blank line, a comment, a docstring."""
_IMPORT = re.compile(rf"import[ ]([A-Za-z_][\w.]*)(?:[ ]as[ ]\w+)?{_END}", re.ASCII)
_FROM = re.compile(rf"from[ ]([A-Za-z_][\w.]*)[ ]import[ ](?:{_NAMES}|\((?:[\w\s,]|#[^\n]*\n)*\)){_END}", re.ASCII)
_ENCODING = re.compile(r"#[ *-]*coding[:=] ?utf-8[ *-]*", re.IGNORECASE)
"""The only line about one that leaves the text as it is read here."""
_INSTALLED = (".dist-info", ".egg-info", ".egg")
"""By these libraries find what extends them."""


def first_imports(manifest: Manifest) -> tuple[str, ...]:
    """Libraries in the order of their imports; none where the folder has no Python, or what cannot be read here."""
    paths = [path.relative_to(manifest.folder) for path in manifest.folder.rglob("*")]
    compiled = tuple(suffix for suffix in all_suffixes() if suffix != ".py")
    has_python = any(path.suffix == ".py" for path in paths)
    if not has_python or any(path.name.endswith((*compiled, *_INSTALLED)) for path in paths):
        return ()
    own = top_names(path.as_posix() for path in paths)
    if own & LIBRARIES or own & sys.stdlib_module_names:
        return ()  # whose a module of this name is depends on what was imported before
    if manifest.predict_file is None:
        # What loads such a file imports it before the file can name a module of the folder's.
        return ("torch",) if manifest.model_file.suffix in {".pt", ".pt2"} else ()
    found: dict[str, None] = {}
    _Walk(manifest.folder, own, found).goes_through(manifest.predict_file)
    return tuple(found)


def top_names(files: Iterable[str]) -> frozenset[str]:
    """What of a folder can be imported by a name of one part: its scripts, and all of its folders."""
    paths = [PurePosixPath(name) for name in files]
    return frozenset(path.parts[0].removesuffix(".py") for path in paths if len(path.parts) > 1 or path.suffix == ".py")


class _Walk:
    def __init__(self, folder: Path, own: frozenset[str], found: dict[str, None]) -> None:
        self._folder = folder
        self._own = own
        self._found = found
        self._seen: set[Path] = set()

    def goes_through(self, script: Path) -> bool:
        """Whether there is nothing but imports up to its end, in what it imports of the folder too."""
        if script in self._seen:
            return True
        if len(self._seen) == _MOST_SCRIPTS:
            return False
        self._seen.add(script)
        return all(self._passes(statement) for statement in _statements(script))

    def _passes(self, statement: re.Match[str] | None) -> bool:
        """Whether what is imported after this statement is known too."""
        if statement is None:
            return False
        name = statement[1]
        root = name.partition(".")[0]
        if root in self._own:
            script = self._folder / f"{root}.py"
            is_plain = name == root and script.is_file() and not script.with_suffix("").exists()
            return is_plain and self.goes_through(script)
        if root in sys.stdlib_module_names:
            return True
        if root in LIBRARIES:
            self._found[root] = None
        # A module within a library is imported after the library, and before what comes next.
        return root in LIBRARIES and statement.re is _IMPORT and name == root


def _statements(script: Path) -> Iterator[re.Match[str] | None]:
    """Its imports from the top on; None where something else comes."""
    text = _text(script)
    if text is None:
        yield None
        return
    place = 0
    while place < len(text):
        found = _IMPORT.match(text, place) or _FROM.match(text, place) or _NOTHING.match(text, place)
        if found is None:
            yield None
            return
        place = found.end()
        if found.re is not _NOTHING:
            yield found


def _text(script: Path) -> str | None:
    """None where it is long, or not surely what Python reads."""
    try:
        with script.open(encoding="utf-8-sig") as file:
            text = file.read(_MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return None
    encodings = [line for line in text.split("\n", 2)[:2] if "coding" in line]
    is_known = all(_ENCODING.fullmatch(line) for line in encodings)
    return text if is_known and len(text) < _MOST_CHARACTERS else None
