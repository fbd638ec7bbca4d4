"""What is said at the push of a profile that no record can hold."""

import msgspec
import numpy as np
import pytest

from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile, unpack_profile
from stream.profiles.packing import PLAIN_BYTES, pack_profile
from stream.profiles.profile import Profile
from tidegate.deployer.pipeline import announceable
from tidegate.deployer.pipeline.announceable import (
    MOST_UNKNOWN_SERIES,
    DoesNotFitError,
    check_fits,
    check_unknown,
)

RNG = np.random.default_rng(1)


def content(profile: Profile) -> object:
    return msgspec.json.decode(encode_profile(profile))


def test_a_large_profile_travels_compressed_and_a_small_one_as_it_is() -> None:
    small = build_profile({"x": RNG.normal(size=200)}, model="m", version=1)
    large = build_profile({f"x{i}": RNG.normal(size=200) for i in range(300)}, model="m", version=1)
    assert pack_profile(content(small)) == content(small)
    carried = pack_profile(content(large))
    assert isinstance(carried, str)
    assert len(encode_profile(large)) > PLAIN_BYTES > len(carried)
    assert unpack_profile(carried) == large
    assert unpack_profile(content(small)) == small
    check_fits(large, content(large), [f"x{i}" for i in range(300)])


@pytest.mark.parametrize("garbage", ["", "zstd:", "zstd:AAAA", "zstd:!", "nothing", 7, [], {"schema_version": 1}])
def test_garbage_in_place_of_a_profile_is_a_value_error(garbage: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_profile(garbage)


def test_long_texts_fit() -> None:
    texts = [f"{number} {'x' * 1400}" for number in range(10_500)]
    profile = build_profile({"text": texts}, model="m", version=1)
    check_fits(profile, content(profile), ["text"])


def test_what_does_not_fit_is_refused_with_the_limit_and_what_to_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announceable, "MOST_ANNOUNCED_BYTES", 120_000)
    numbers, names = RNG.normal(size=3000), [f"{number}-{number * 7919 % 1_000_003}" for number in range(3000)]
    profile = build_profile({"n": numbers, "id": names}, model="m", version=1)
    with pytest.raises(DoesNotFitError, match=r"2 series takes 0\.\d MB, and at most 0 MB fit") as refused:
        check_fits(profile, content(profile), ["n", "id"])
    assert "the largest is 'id'" in refused.value.fix
    assert "3000 categories" in refused.value.fix
    hourly = build_profile({"n": numbers}, model="m", version=1, times=[3600.0 * hour for hour in range(3000)])
    monkeypatch.setattr(announceable, "MOST_ANNOUNCED_BYTES", 105_000)
    with pytest.raises(DoesNotFitError) as refused:
        check_fits(hourly, content(hourly), ["n"])
    assert "timestamps" in refused.value.fix


def test_more_features_than_can_be_learned_are_refused_before_they_are_deployed() -> None:
    check_unknown(None)
    check_unknown([f"f{number}" for number in range(MOST_UNKNOWN_SERIES)])
    with pytest.raises(DoesNotFitError, match="7000 features and no reference: at most 6060 can be watched"):
        check_unknown([f"f{number}" for number in range(7000)])
