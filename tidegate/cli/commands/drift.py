"""`tidegate drift` and `tidegate alerts`: named queries on ClickHouse."""

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.registry import DEFAULT_WORKSPACE, deployments_of, get_model
from tidegate.cli.context import load_settings, open_registry
from tidegate.cli.exits import CliError, Exit, not_running
from tidegate.cli.output import console, print_json, print_table
from tidegate.parts.state import running_state
from tidegate.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

WINDOWS = ("1m", "5m", "1h", "24h")
MAX_AGE_S = 86_400
EVERY_S = 2.0
MOST_ALERTS = 100
STYLES = {"drift": "bold red", "moderate": "yellow", "quiet": "green", "insufficient_data": "dim"}


def drift(model: str, *, window: str | None, deployment: str | None, watch: bool, as_json: bool) -> None:
    settings = load_settings()
    if window is not None and window not in WINDOWS:
        raise CliError(f"There is no window {window!r}: choose one of {', '.join(WINDOWS)}.", Exit.USAGE)
    chosen = _deployment(settings, model, deployment)
    if watch and not as_json:
        _watch(settings, model, window, chosen)
        return
    rows = latest_drift(settings, model, window, chosen)
    if as_json:
        print_json(rows)
    elif rows:
        console().print(drift_table(model, rows))
    else:
        console().print(
            f"Nothing was measured for {model}{f' (deployment {chosen})' if chosen else ''} in the last 24 hours: "
            "send it traffic with `tidegate predict`."
        )


def _deployment(settings: Settings, model: str, deployment: str | None) -> str | None:
    """Whose drift is shown: the one that was asked for, else the primary; None before the first.

    Raises:
        CliError: the model has no such deployment.
    """
    with open_registry(settings) as database:
        live = get_model(database, model).live
        known = [found.id for found in deployments_of(database, model, unreadable={})]
    if deployment is None:
        return None if live is None else live.id
    if deployment not in known:
        raise CliError(
            f"{model} has no deployment {deployment!r}: see `tidegate deployments {model} --all`.", Exit.UNKNOWN
        )
    return deployment


def latest_drift(
    settings: Settings, model: str, window: str | None = None, deployment: str | None = None
) -> list[dict[str, Any]]:
    """The newest evaluation of each series and window of a deployment, by default of the newest version's.

    Raises:
        CliError: ClickHouse cannot be asked.
    """
    rows = _query(settings, "latest_drift", {"workspace": DEFAULT_WORKSPACE, "model": model, "max_age_s": MAX_AGE_S})
    newest = max((row["version"] for row in rows), default=None)
    mine = [row for row in rows if (row["deployment_id"] == deployment if deployment else row["version"] == newest)]
    chosen = [row for row in mine if window in (None, row["window"])]
    return sorted(chosen, key=lambda row: (WINDOWS.index(row["window"]), row["series"]))


def drift_table(model: str, rows: list[dict[str, Any]]) -> "Table":
    """One line a series and window."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    title = f"{model} version {rows[0]['version']}, deployment {rows[0]['deployment_id']}"
    if any(row["reference"] == "hour_of_day" for row in rows):
        title += ", compared by hour of day"
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("series", "window"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "PSI", "noise floor"):
        table.add_column(name, justify="right")
    for name in ("state", "since", "moved most"):
        table.add_column(name)
    for row in rows:
        state = Text(row["state"], style=STYLES.get(row["state"], ""))
        figures = (f"{row['rows_seen']:,}", f"{row['psi']:.3f}", f"{row['psi_noise']:.3f}")
        table.add_row(row["series"], row["window"], *figures, state, _clock(row["since"]), _moved(row["moved"]))
    return table


def alerts(*, every: bool = False, as_json: bool) -> None:
    settings, asked = load_settings(), {"workspace": DEFAULT_WORKSPACE}
    if every:
        rows = _query(settings, "newest_alerts", {**asked, "limit": MOST_ALERTS})
    else:
        rows = _query(settings, "firing_alerts", asked)
    if as_json:
        print_json(rows)
    elif not rows:
        console().print("There was no alert." if every else "No alert is firing.")
    else:
        state = ("state",) if every else ()
        columns = ("began", *state, "severity", "model", "version", "series", "in_window", "summary")
        shown = [[_clock(row[key]) if key == "began" else row[key] for key in columns] for row in rows]
        print_table(["since", *state, "severity", "model", "#version", "series", "window", "what"], shown)


def _watch(settings: Settings, model: str, window: str | None, deployment: str | None) -> None:
    from rich.live import Live  # noqa: PLC0415

    with Live(console=console(), auto_refresh=False) as live:
        while True:
            rows = latest_drift(settings, model, window, deployment)
            live.update(drift_table(model, rows) if rows else "Nothing was measured yet.", refresh=True)
            time.sleep(EVERY_S)


def _query(settings: Settings, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415

    from storage.clickhouse.client import connect  # noqa: PLC0415
    from storage.clickhouse.queries import query  # noqa: PLC0415

    if settings.clickhouse_url is None and running_state(settings.run_path) is None:
        raise not_running(settings.home_path)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # the error below says it once
    try:
        client = connect(settings.clickhouse_dsn, settings.clickhouse_database)
        try:
            return list(client.query(query(name), parameters=parameters).named_results())
        finally:
            client.close()
    except ClickHouseError as error:
        reason = str(error).splitlines()[0][:300]
        raise CliError(
            f"ClickHouse cannot be asked; `tidegate status` shows how it is: {reason}", Exit.NOT_RUNNING
        ) from error


def _moved(moved: Any) -> str:
    """The bucket that moved most: its label and its share before and now."""
    if not moved:
        return ""
    first = moved[0]
    values = (
        first if isinstance(first, dict) else dict(zip(("label", "reference", "window", "psi"), first, strict=False))
    )
    return f"{values['label']}: {values['reference']:.0%} → {values['window']:.0%}"


def _clock(moment: object) -> str:
    """Local time; the day too when it is not today."""
    if not isinstance(moment, datetime):
        return "" if moment is None else str(moment)
    local = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()
    today = local.date() == datetime.now().astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")
