"""Free text as numbers that can be watched: how long it is, and how much of it is made of the reference's words. Pure.

Texts of people are all different: as categories each would be unseen, and a profile would have megabytes of them.
"""

import base64
import math
import re
import statistics
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.profiles.values import is_missing, is_shortened

Measure = Literal["length", "known_words"]
Floats = NDArray[np.float64]

MEASURES: tuple[Measure, ...] = ("length", "known_words")
MOST_WORDS = 500
"""Of one text that are looked at: its beginning tells as much, and the stream worker reads every event."""
MOST_CHARACTERS = 20_000
MOST_KNOWN = 4096
"""Words of a vocabulary, 4 bytes each."""
LEAST_DISTINCT = 100
LEAST_SHARE = 0.5
"""Of different texts among all: where they repeat, they are categories."""
LEAST_TOKENS = 3
LONG = 60
"""Characters. So long and all different are texts also without spaces: addresses, or scripts that have none."""
_LEAST_COUNT = 2
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""Scripts without spaces go sign by sign."""


class TextMeasure(msgspec.Struct, frozen=True, dict=True):
    """What a series says of a feature's text."""

    of: str
    """The feature."""
    measure: Measure
    vocabulary: str = ""
    """Of `known_words`: ascending CRC-32 of each word, unsigned of 4 bytes, little-endian, in Base64."""

    def __post_init__(self) -> None:
        if len(base64.b64decode(self.vocabulary, validate=True)) % 4:
            raise ValueError("a vocabulary that is cut off")

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(np.frombuffer(base64.b64decode(self.vocabulary), dtype="<u4").tolist())

    def numbers(self, values: Sequence[object]) -> tuple[Floats, list[int]]:
        """Of each value, shape (len(values),), NaN where it is missing or blank; and the rows that hold no text."""
        wrong = [row for row, value in enumerate(values) if not isinstance(value, str) and not is_missing(value)]
        number = self._length if self.measure == "length" else self._share
        found = [number(value) if isinstance(value, str) and not value.isspace() else math.nan for value in values]
        return np.array(found, dtype=np.float64), wrong

    def _length(self, text: str) -> float:
        return float(len(text)) if text else math.nan

    def _share(self, text: str) -> float:
        words = words_of(text)
        return sum(_hash(word) in self._known for word in words) / len(words) if words else math.nan


def is_free_text(values: Sequence[object]) -> bool:
    """Whether a column holds texts rather than categories: mostly different ones, of several words or long.

    Not where some were shortened before: of those nobody knows how long they are.
    """
    texts = [value for value in values if isinstance(value, str) and value]
    if len(texts) <= LEAST_DISTINCT or len(set(texts)) < max(LEAST_DISTINCT + 1, LEAST_SHARE * len(texts)):
        return False
    if any(map(is_shortened, texts)):
        return False
    several = statistics.median(len(text[:MOST_CHARACTERS].split()) for text in texts) >= LEAST_TOKENS
    return several or statistics.median(map(len, texts)) > LONG


def words_of(text: str) -> list[str]:
    """The first words, in lower case.

    >>> words_of("Cold, and *very* cold!")
    ['cold', 'and', 'very', 'cold']
    """
    return _WORD.findall(text[:MOST_CHARACTERS].lower())[:MOST_WORDS]


def measured(name: str, values: Sequence[object]) -> list[tuple[TextMeasure, Floats]]:
    """The measures of a column of the reference, with its own numbers.

    A word of the reference would always be known, and a live one not: so the share of each text is by the words of all
    others (leave one out), which is what a new text of the same kind has.
    """
    texts = [value if isinstance(value, str) else "" for value in values]
    counts = [Counter(words_of(text)) for text in texts]
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    least = _least_count(total)
    known = [word for word, count in total.items() if count >= least]
    hashes = np.array(sorted({_hash(word) for word in known}), dtype="<u4")
    shares = np.array([_share_beside(each, total, least) for each in counts], dtype=np.float64)
    length = TextMeasure(name, "length")
    vocabulary = base64.b64encode(hashes.tobytes()).decode()
    return [(length, length.numbers(values)[0]), (TextMeasure(name, "known_words", vocabulary), shares)]


def _least_count(total: Counter[str]) -> int:
    """How often a word stands in the reference to be known: at most MOST_KNOWN do."""
    ranked = sorted(total.values(), reverse=True)
    beyond = ranked[MOST_KNOWN] + 1 if len(ranked) > MOST_KNOWN else 0
    return max(_LEAST_COUNT, beyond)


def _share_beside(own: Counter[str], total: Counter[str], least: int) -> float:
    if not own:
        return math.nan
    return sum(count for word, count in own.items() if total[word] - count >= least) / own.total()


def _hash(word: str) -> int:
    return zlib.crc32(word.encode(errors="surrogatepass"))
