"""Which files of tests take long: side by side they begin first, so that no process is left with one at the end."""

from collections.abc import Sequence

import pytest

LONG = (
    "test_stack_kill9",
    "test_switches_under_load",
    "test_stack_up_down",
    "test_full_disk",
    "test_stack_sandbox",
    "test_stack_environments",
    "test_warm_candidates",
    "test_stack_kubernetes",
    "test_git_push_models",
    "test_stack_serving",
    "test_restart",
    "test_broker_kill9",
    "test_stack_routing",
    "test_served_answers",
    "test_wide_models",
    "test_github_push",
    "test_demo",
    "test_checked_serves",
    "test_git_push_races",
    "test_stack_deploy",
    "test_history",
    "test_damaged_registry",
    "test_full_parts",
    "test_candidate_kill9",
    "test_stream_kill9",
    "test_git_push",
    "test_typed_models",
    "test_suspend",
    "test_sink",
    "test_delivery_lives",
    "test_environments",
    "test_broker_faust",
    "test_broker_outage",
    "test_power_stack",
    "test_deployer_kill9",
    "test_sink_kill9",
    "test_stack_on_kafka",
    "test_web_page",
    "test_forged_lines",
    "test_stream_backlog",
    "test_conformance",
)
"""The longest first, by what they took together; a name that is missing here, or is no more, costs a few seconds."""
_RANK = {name: rank for rank, name in enumerate(LONG)}
_THEN = ("faults", "pipeline", "contract", "properties", "unit")
"""Of the others those that start processes first."""


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """By file alone: among those of a file, and of files that count as equal, the order stays as it is."""
    return sorted(items, key=_place)


def _place(item: pytest.Item) -> tuple[int, int]:
    folder = item.path.parent.name
    return _RANK.get(item.path.stem, len(LONG)), _THEN.index(folder) if folder in _THEN else len(_THEN)
