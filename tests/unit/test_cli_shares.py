"""Versions and shares as they are typed."""

import pytest

from tidegate.cli.commands.versions import parse_shares, parse_version
from tidegate.cli.exits import CliError, Exit
from tidegate.versions.wording import shared_out


def test_versions_and_shares_are_read_in_every_spelling() -> None:
    assert (parse_version("7"), parse_version("v12")) == (7, 12)
    assert parse_shares(["v7=90", "6=10%", "v5=0"]) == {7: 90.0, 6: 10.0, 5: 0.0}


@pytest.mark.parametrize("text", ["", "v", "seven", "-1", "0", "1.5", "vv1", "²"])
def test_what_is_no_version_is_named(text: str) -> None:
    with pytest.raises(CliError, match="such as 7 or v7") as raised:
        parse_version(text)
    assert raised.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["v7"], "VERSION=WEIGHT"),
        (["v7=much"], "VERSION=WEIGHT"),
        (["v7=-1"], "VERSION=WEIGHT"),
        (["v7=inf"], "VERSION=WEIGHT"),
        (["v7=nan"], "VERSION=WEIGHT"),
        (["v7=1", "7=2"], "named twice"),
        (["v7=0", "v6=0"], "at least one weight"),
        (["x=1"], "no version"),
    ],
)
def test_what_is_no_share_is_named(texts: list[str], says: str) -> None:
    with pytest.raises(CliError, match=says):
        parse_shares(texts)


def test_shares_are_told_the_largest_first() -> None:
    assert shared_out("m", {3: 1.0}) == "m version 3 has all the traffic"
    assert shared_out("m", {1: 0.125, 2: 0.875}) == "m traffic: version 2 87.5 %, version 1 12.5 %"
