"""Whether the demo showed what it promises; each reason why not is one sentence. Pure."""

from collections.abc import Iterator
from datetime import datetime

from tidegate.demo.findings import WINDOW_ORDER, Findings, Firing


def problems(found: Findings) -> list[str]:
    """Empty when all of it happened."""
    return [*_traffic(found), *_quiet(found), *_changed(found), *_storage(found)]


def fired_early(found: Findings) -> list[Firing]:
    """Firings that rest on held-out rows alone."""
    return [one for one in found.firings if found.changed_at is None or one.newest_event < found.changed_at]


def fired_features(found: Findings) -> dict[str, Firing]:
    """The first firing of each feature after the change."""
    early = fired_early(found)
    late = [one for one in found.firings if one.role == "feature" and one not in early]
    return {one.series: one for one in sorted(late, key=_order, reverse=True)}


def _order(one: Firing) -> tuple[datetime, int]:
    """The earliest first; of those of one evaluation the shortest window."""
    return one.evaluated, WINDOW_ORDER.index(one.window) if one.window in WINDOW_ORDER else len(WINDOW_ORDER)


def _traffic(found: Findings) -> Iterator[str]:
    for outcome, requests in sorted(found.refused.items()):
        yield f"{requests} requests were not answered with 200 but with {outcome}; see `tidegate logs gateway`."


def _quiet(found: Findings) -> Iterator[str]:
    for one in fired_early(found):
        yield f"{one.series} fired on the held-out rows, in the window {one.window}: a false alarm."
    for summary in found.early_alerts:
        yield f"An alert came for the held-out rows: {summary}"
    unseen = [name for name in found.expected if name not in found.judged_quiet]
    if unseen:
        yield f"No evaluation of enough held-out rows was seen of {', '.join(unseen)}; see `tidegate logs stream-0`."


def _changed(found: Findings) -> Iterator[str]:
    fired = fired_features(found)
    silent = [name for name in found.expected if name not in fired]
    if silent:
        yield f"{', '.join(silent)} did not fire in time after the change; see `tidegate drift` and `tidegate logs`."
    if found.first_alert is None:
        yield "No alert reached the receiver in time; see `tidegate logs notifier`."


def _storage(found: Findings) -> Iterator[str]:
    counts = found.counts
    served = counts.events - counts.failed
    if served != found.sent_rows:
        yield f"{found.sent_rows} rows were answered with 200, but ClickHouse has {served} successful events."
    if counts.distinct != counts.events:
        yield f"ClickHouse has {counts.events - counts.distinct} events more than once."
    if found.recount is not None:
        yield f"The histograms do not equal a recount of the stored events: {found.recount}."
