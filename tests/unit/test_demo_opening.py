"""The first line of the demo: what will happen, and for how long."""

from tidegate.cli.commands.demo import DemoArguments, opening


def test_the_opening_says_what_will_be_sent_and_for_how_long() -> None:
    said = opening(DemoArguments(True, False, None, quiet_rows=1500, drift_rows=1000, rate=250))
    assert said.startswith("In about 30 s:")
    assert "1,500 rows" in said
    assert "then 1,000 after" in said
    assert "Ctrl-C" in said
