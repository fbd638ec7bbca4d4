"""Free text is watched by its length, its emptiness and its words, in a small profile and without false drift."""

from typing import Any

import msgspec
import numpy as np
import pytest

from stream.histograms.binning import Binner
from stream.panes.sampling import LONGEST_TEXT, sampled_row
from stream.profiles.build import build_profile
from stream.profiles.codec import decode_profile, encode_profile
from stream.profiles.profile import Profile
from stream.profiles.text import LEAST_DISTINCT, TextMeasure, words_of

WORDS = [f"word{number}" for number in range(4000)]


def _texts(rng: np.random.Generator, count: int, words: int, known: list[str] = WORDS) -> list[str]:
    return [" ".join(rng.choice(known, words)) for _ in range(count)]


def _profile(texts: list[Any]) -> Profile:
    return build_profile({"text": texts}, model="m", version=1)


def _live(profile: Profile, texts: list[Any]) -> Any:
    binner = Binner(profile)
    found = binner.empty()
    binner.count([{"text": text} for text in texts], [None] * len(texts), found)
    return found


def _psi(profile: Profile, live: Any, series: int) -> float:
    """With half a row in each empty bucket, as of windows of a thousand rows."""
    one = profile.features[series]
    start = profile.offsets[series]
    sides = [one.bucket_counts, one.to_buckets(live.counts[start : start + one.n_bins])]
    reference, now = ((side + 0.5) / (side + 0.5).sum() for side in sides)
    return float(((now - reference) * np.log(now / reference)).sum())


@pytest.mark.parametrize(("rows", "words"), [(3000, 60), (400, 9)])
def test_texts_of_the_same_kind_do_not_drift_and_others_do(rows: int, words: int) -> None:
    rng = np.random.default_rng(4)
    profile = _profile(_texts(rng, rows, words))
    assert [one.name for one in profile.features] == ["text.length", "text.known_words"]
    assert len(encode_profile(profile)) < 60_000
    assert decode_profile(encode_profile(profile)) == profile
    same = _live(profile, _texts(rng, 1000, words))
    assert max(_psi(profile, same, 0), _psi(profile, same, 1)) < 0.1
    foreign = _live(profile, _texts(rng, 1000, words, [f"wort{number}" for number in range(4000)]))
    assert _psi(profile, foreign, 1) > 0.5
    long = _live(profile, _texts(rng, 1000, words * 2))
    assert _psi(profile, long, 0) > 0.5


def test_blank_and_null_are_missing_and_numbers_are_invalid() -> None:
    profile = _profile([*_texts(np.random.default_rng(1), 200, 5), None])
    found = _live(profile, [None, "", "  \n", 3, "word1 word2 word3 word4 word5"])
    for series, one in enumerate(profile.features):
        start = profile.offsets[series]
        assert found.counts[start + one.missing_bin] == 4, "an invalid value is missing, too"
        assert found.counts[start : start + one.n_bins].sum() == 5
    assert found.invalid.tolist() == [1, 1]


@pytest.mark.parametrize(
    "column",
    [
        [f"user-{number}" for number in range(500)],
        ["one of a few phrases", "another of a few phrases"] * 300,
        [f"a phrase of number {number}" for number in range(LEAST_DISTINCT)],
        [f"Street {number // 5}, some town" for number in range(1000)],
    ],
    ids=["identifiers", "phrases", "too few", "repeated"],
)
def test_categories_stay_categories(column: list[Any]) -> None:
    (one,) = _profile(column).features
    assert (one.name, one.kind) == ("text", "categorical")


def test_a_feature_with_the_name_of_a_measure_keeps_it() -> None:
    texts = _texts(np.random.default_rng(1), 200, 5)
    profile = build_profile({"text": texts, "text.length": [1.0] * 200}, model="m", version=1)
    assert [one.name for one in profile.features] == ["text", "text.length"]


def test_scripts_without_spaces_go_sign_by_sign_and_garbage_is_no_vocabulary() -> None:
    assert words_of("今日は sunny_day, Ünder 3.5") == ["今", "日", "は", "sunny_day", "ünder", "3", "5"]
    for vocabulary in ("!", "AAAA"):
        with pytest.raises((ValueError, msgspec.ValidationError)):
            msgspec.json.decode(
                msgspec.json.encode({"of": "a", "measure": "known_words", "vocabulary": vocabulary}), type=TextMeasure
            )


def test_a_learned_reference_keeps_texts_that_it_can_measure() -> None:
    text = "a word " * 100
    kept, _ = sampled_row({"short": text, "long": "x" * (LONGEST_TEXT + 1)}, None)
    assert kept["features"]["short"] == text  # type: ignore[index]
    shortened = [f"{'word ' * LONGEST_TEXT}{number}" for number in range(200)]
    rows = [sampled_row({"text": each}, None)[0]["features"]["text"] for each in shortened]  # type: ignore[index]
    (one,) = _profile(rows).features
    assert one.kind == "categorical", "nobody knows how long they were"
