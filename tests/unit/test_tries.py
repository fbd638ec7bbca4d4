"""How many guesses are looked at, by whom they are made, and that nobody is kept out for ever."""

from hypothesis import given
from hypothesis import strategies as st

from web.door import Door
from web.tries import AT_ONCE, EACH_S, Tries, site_of

SECRET = "tg_" + "s3cr3t-" * 6
WRONG = "tg_another"
BEGUN = SECRET[:11]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.0, 20.0)), max_size=200))
def test_no_more_guesses_are_looked_at_than_the_bucket_has(guesses: list[tuple[str, float]]) -> None:
    tries, looked, now = Tries(), {"a": 0, "b": 0}, 0.0
    for who, pause in guesses:
        now += pause
        if tries.wait_s(who, now) == 0:
            tries.failed(who, now)
            looked[who] += 1
        else:
            assert tries.wait_s(who, now + tries.wait_s(who, now) + 1e-6) == 0, "it says how long to wait"
        assert looked[who] <= AT_ONCE + now / EACH_S


def test_whoever_made_a_thousand_guesses_waits_no_longer_than_for_one() -> None:
    door = Door("test")
    entries = [door.enter(f"{WRONG}{number}", (SECRET,), "10.0.0.1", 0.0) for number in range(1000)]
    assert [entry.wait_s for entry in entries].count(0) == AT_ONCE
    assert {entry.wait_s for entry in entries} == {0, int(EACH_S)}
    assert door.enter(WRONG, (SECRET,), "10.0.0.1", EACH_S).wait_s == 0


def test_the_right_one_is_let_in_behind_the_address_of_who_guesses() -> None:
    door = Door("test")
    for number in range(100):
        door.enter(f"{WRONG}{number}", (SECRET,), "10.0.0.1", 0.0)
    assert door.enter(SECRET, ("another", SECRET), "10.0.0.1", 0.0).accepted


def test_who_knows_how_it_begins_is_limited_as_well_and_so_is_the_right_one_for_a_moment() -> None:
    door = Door("test")
    for number in range(100):
        door.enter(f"{BEGUN}{number}", (SECRET,), "10.0.0.1", 0.0)
    assert not door.enter(SECRET, (SECRET,), "10.0.0.1", 0.0).accepted
    assert door.enter(SECRET, (SECRET,), "10.0.0.2", 0.0).accepted
    assert door.enter(SECRET, (SECRET,), "10.0.0.1", EACH_S).accepted


def test_a_short_secret_is_not_found_by_its_beginning() -> None:
    """Else the first letters would be found one by one, unlimited."""
    door = Door("test")
    for number in range(100):
        door.enter(f"se{number}", ("secret",), "10.0.0.1", 0.0)
    assert door.enter("secre", ("secret",), "10.0.0.1", 0.0).wait_s
    assert not door.enter("", ("",), "10.0.0.1", 0.0).wait_s


def test_no_secret_is_no_guess() -> None:
    door = Door("test")
    assert {door.enter(None, (SECRET,), "10.0.0.1", 0.0) for _ in range(100)} == {(False, 0)}


def test_what_is_remembered_is_bounded() -> None:
    tries = Tries(known=50)
    for number in range(10_000):
        tries.failed(number, float(number))
    assert len(tries) == 50


def test_the_addresses_of_one_holder_are_one() -> None:
    assert site_of("2001:db8:1:2:3::4") == site_of("2001:db8:1:2:ffff::1") != site_of("2001:db8:1:3::1")
    assert site_of("::ffff:10.0.0.1") == site_of("10.0.0.1") == "10.0.0.1"
    assert site_of("?") == "?"
