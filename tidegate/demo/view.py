"""The live view, as Rich renderables; and the same in one plain line for logs."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tidegate.demo.bare_psi import THRESHOLD, WINDOW_ROWS, BareAlarms
from tidegate.demo.findings import SeriesDrift
from tidegate.demo.run_state import Phase, RunState
from tidegate.demo.tally import Pace

STYLES = {"drift": "bold red", "moderate": "yellow", "quiet": "green", "insufficient_data": "dim"}
NAMES = {"insufficient_data": "too few rows", "drift": "DRIFT"}


def frame(state: RunState, now: float) -> RenderableType:
    """The whole view; `now`: the sender's clock."""
    parts: list[RenderableType] = [_header(state), _traffic(state, now), Text(), _table(state), Text(), _bare(state)]
    if state.alert is not None and state.tally.changed_at is not None:
        after = state.alert.at - state.tally.changed_at
        parts.append(Text(f"alert received {after:.1f} s after the first changed row was sent", style="bold red"))
        parts.append(Text(str(state.alert.alert.get("summary", "")), style="red"))
    if state.trouble is not None:
        parts.append(Text(f"ClickHouse could not be asked: {state.trouble}", style="yellow"))
    return Panel(Group(*parts), title="tidegate demo", title_align="left", padding=(0, 1))


def line(state: RunState, now: float) -> str:
    """One line of progress."""
    pace = _pace(state, now)
    return (
        f"{state.phase}; {state.tally.served():,} of {state.rows_to_send:,} rows answered, "
        f"{state.seen.counts.events:,} stored; {pace.requests_per_s:.0f} requests/s, p50 {pace.p50_ms:.1f} ms, "
        f"p99 {pace.p99_ms:.1f} ms; {_states(state)}; bare PSI > {THRESHOLD}: {state.bare.total.alarms} alarms"
    )


def _pace(state: RunState, now: float) -> Pace:
    """Of the last seconds; at the end of the whole run."""
    return state.tally.overall() if state.phase is Phase.DONE else state.tally.pace(now)


def _states(state: RunState) -> str:
    firing = [name for name, _, one in state.series() if one is not None and one.state == "drift"]
    return f"firing: {', '.join(firing)}" if firing else "nothing fires"


def _header(state: RunState) -> RenderableType:
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(ratio=3)
    row.add_column(ratio=2)
    row.add_column(justify="right")
    progress = ProgressBar(total=state.rows_to_send, completed=state.rows_sent)
    to_go = f"{state.rows_to_send - state.rows_sent:,} rows to go"
    row.add_row(Text(f"{state.model} v{state.version} · {state.phase}", style="bold"), progress, to_go)
    return row


def _traffic(state: RunState, now: float) -> RenderableType:
    pace = _pace(state, now)
    refused = sum(state.tally.refused().values())
    text = Text.assemble(
        (f"{pace.requests_per_s:.0f}", "bold"),
        " requests/s · ",
        (f"{pace.rows_per_s:.0f}", "bold"),
        " rows/s · p50 ",
        (f"{pace.p50_ms:.1f} ms", "bold"),
        " · p99 ",
        (f"{pace.p99_ms:.1f} ms", "bold"),
        f" · answered {state.tally.served():,} · stored {state.seen.counts.events:,}",
    )
    if refused:
        text.append(f" · {refused} requests failed", style="bold red")
    return text


def _table(state: RunState) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    table.add_column("series")
    for name in ("window", "rows", "PSI", "noise floor"):
        table.add_column(name, justify="right")
    table.add_column("state")
    table.add_column(f"bare PSI > {THRESHOLD}, {WINDOW_ROWS} rows", justify="right")
    for name, role, one in state.series():
        bare = state.bare.features.get(name) if role == "feature" else None
        table.add_row(name, *_cells(one), _alarms(bare), style="" if role == "feature" else "dim")
    return table


def _cells(one: SeriesDrift | None) -> tuple[RenderableType, ...]:
    if one is None:
        return ("", "", "", "", Text("not measured yet", style="dim"))
    state = Text(NAMES.get(one.state, one.state), style=STYLES.get(one.state, ""))
    return (one.window, f"{one.rows:,}", f"{one.psi:.3f}", f"{one.noise_floor:.3f}", state)


def _alarms(bare: BareAlarms | None) -> Text:
    if bare is None or not bare.windows:
        return Text("")
    style = "yellow" if bare.alarms else "dim"
    return Text(f"{bare.alarms} of {bare.windows}, up to {bare.highest:.2f}", style=style)


def _bare(state: RunState) -> Text:
    total = state.bare.total
    text = Text("On the held-out rows a bare PSI > ")
    text.append(f"{THRESHOLD} would have fired {total.alarms} times in {total.windows} windows of {WINDOW_ROWS} rows.")
    return text
