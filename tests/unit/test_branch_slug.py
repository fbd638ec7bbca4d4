"""A branch as a part of a URL."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.registry import branch_slug


@pytest.mark.parametrize(
    ("branch", "slug"),
    [
        ("main", "main"),
        ("fix-42", "fix-42"),
        ("feature/Prices", r"feature-prices-[0-9a-f]{6}"),
        ("feature-prices", "feature-prices"),
        ("änderung", r"nderung-[0-9a-f]{6}"),
        ("漢字", r"[0-9a-f]{6}"),
        ("x" * 200, "x{40}-[0-9a-f]{6}"),
    ],
)
def test_a_slug_is_readable_and_says_when_it_lost_something(branch: str, slug: str) -> None:
    assert re.fullmatch(slug, branch_slug(branch))


@given(st.text(min_size=1))
def test_every_branch_fits_into_a_url_and_a_column(branch: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", branch_slug(branch))
    assert len(branch_slug(branch)) <= 63


def test_branches_that_look_alike_have_urls_of_their_own() -> None:
    names = ["feature/x", "feature-x", "Feature/X", "feature//x", "feature_x"]
    assert len(set(map(branch_slug, names))) == len(names)
