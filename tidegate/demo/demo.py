"""The demo from its beginning to its verdict."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from urllib3.exceptions import HTTPError

from storage.registry import Database, get_profile, get_version
from stream.profiles.codec import decode_profile
from stream.profiles.profile import Profile
from tidegate.demo.alerts import early_alerts
from tidegate.demo.bare_psi import BarePsi
from tidegate.demo.findings import Findings
from tidegate.demo.observer import Observer, Place
from tidegate.demo.receiver import Receiver
from tidegate.demo.recount import difference
from tidegate.demo.run_state import RunState
from tidegate.demo.screen import Screen
from tidegate.demo.traffic import Parcel, read_rows, schedule
from tidegate.demo.training import DemoError
from tidegate.demo.watching import STORE_S, Watch, told
from tidegate.deployer import DeployConfig, Deployed, deploy
from tidegate.settings import Settings

EXPECTED = ("vicprice", "vicdemand", "transfer")
"""Constant before the change, varying after it."""
SEED = 17_424
_AWAY = (ClickHouseError, HTTPError, OSError)
"""What the client raises where ClickHouse does not answer."""


@dataclass(frozen=True)
class Plan:
    """What is sent, and how fast."""

    quiet_rows: int | None = None
    """The first so many of them; None: all."""
    changed_rows: int = 4000
    rows_per_s: float = 250.0


@dataclass
class Run:
    """What a run leaves: the last view, what was found, and the seconds that each step took."""

    state: RunState
    findings: Findings
    deployed: Deployed
    seconds: dict[str, float] = field(default_factory=dict)


def parcels_of(work: Path, plan: Plan) -> list[Parcel]:
    """What will be sent, of the rows that training wrote."""
    quiet = read_rows(work / "traffic" / "quiet.csv")
    changed = read_rows(work / "traffic" / "changed.csv")
    return schedule(quiet[: plan.quiet_rows], changed[: plan.changed_rows], SEED)


def run(settings: Settings, config: DeployConfig, receiver: Receiver, work: Path, plan: Plan, console: Console) -> Run:
    """Deploy what was trained, send the traffic, and find out what came of it."""
    clock = time.monotonic()
    deployed = deploy(work / "model", config)
    deploying = time.monotonic() - clock
    profile = _profile(settings, deployed)
    parcels = parcels_of(work, plan)
    place = Place(deployed.workspace, deployed.model, deployed.deployment_id)
    observer = Observer(settings.clickhouse_dsn, settings.clickhouse_database, place)
    try:
        state = RunState(
            model=deployed.model,
            version=deployed.version,
            profile=profile,
            rows_to_send=sum(len(parcel.rows) for parcel in parcels),
            bare=BarePsi(profile),
        )
        url = f"{settings.gateway_url}{deployed.predict_path}"
        clock = time.monotonic()
        with Screen(console) as screen:
            watch = Watch(state, observer, receiver, screen, deployed.deployment_id)
            asyncio.run(watch.run(url, parcels, plan.rows_per_s, EXPECTED))
        sending = time.monotonic() - clock
        try:
            found = _findings(state, observer, profile)
        except _AWAY as error:
            said = f"ClickHouse did not answer at the end: {told(error)}; see `tidegate logs clickhouse`."
            raise DemoError(said) from error
    finally:
        observer.close()
    return Run(state, found, deployed, {"deploy": deploying, "traffic": sending})


def _profile(settings: Settings, deployed: Deployed) -> Profile:
    database = Database(settings.database_dsn)
    try:
        version = get_version(database, deployed.model, deployed.version, deployed.workspace)
        kept = get_profile(database, version.id, deployed.profile_id)
    finally:
        database.close()
    if kept is None:
        raise DemoError(f"{deployed.model} version {deployed.version} has no profile: its reference.csv was not used.")
    return decode_profile(msgspec.json.encode(kept.content))


def _findings(state: RunState, observer: Observer, profile: Profile) -> Findings:
    tally = state.tally
    recount = _recount(observer, profile, tally.served())
    state.observed(observer.observe())
    return Findings(
        expected=EXPECTED,
        sent_rows=tally.served(),
        refused=tally.refused(),
        changed_at=None if tally.changed_at is None else datetime.fromtimestamp(tally.changed_at, UTC),
        judged_quiet=state.judged_quiet,
        recount=recount,
        firings=state.seen.firings,
        counts=state.seen.counts,
        first_alert=state.alert,
        early_alerts=tuple(
            str(one.alert.get("summary", "")) for one in early_alerts(state.deliveries, tally.changed_at)
        ),
    )


def _recount(observer: Observer, profile: Profile, rows: int) -> str | None:
    """Wait until the stream worker has counted every row, then compare; None when all is equal."""
    end = time.monotonic() + STORE_S
    while True:
        events, failed = observer.pane_events()
        if events - failed >= rows or time.monotonic() >= end:
            break
        time.sleep(0.3)
    if events - failed != rows:
        return f"{events - failed} rows are counted of {rows}"
    return difference(profile, observer.histogram(profile.id), observer.events())
