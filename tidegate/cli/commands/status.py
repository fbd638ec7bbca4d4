"""`tidegate status`: every process of the stack, and what to do about those that fail."""

import time
from typing import Any

import msgspec
import psutil

from tidegate.cli.consumer_lag import consumer_lag
from tidegate.cli.context import load_settings, warn
from tidegate.cli.exits import CliError, not_running
from tidegate.cli.output import console, print_json, print_table
from tidegate.cli.waits import consumer_waits
from tidegate.home.disk_usage import room_mb, usage_mb
from tidegate.parts.state import Condition, Phase, StackState, read_state, running_state
from tidegate.settings import Settings
from tidegate.supervisor.watch import disk_warning

BAD = (Condition.FAILING, Condition.FAILED)


def status(*, as_json: bool) -> None:
    settings = load_settings()
    state = running_state(settings.run_path)
    if state is None:
        _say_why_not(settings, as_json)
        raise not_running(settings.home_path)
    state = _with_disk_warning(settings, state)
    memory = {part.name: memory_mb(part.pid) for part in state.parts if part.pid is not None}
    memory["supervisor"] = memory_mb(state.pid)
    lag = consumer_lag(settings)
    waits = consumer_waits(settings)
    if as_json:
        print_json(_as_json(settings, state, memory, lag, waits))
    else:
        _show(settings, state, memory, lag)
        for name, reason in waits.items():
            warn(f"{name} waits for {reason}")
    if any(part.condition in BAD for part in state.parts):
        raise CliError("A part of the stack fails; its log is named above.")


def _with_disk_warning(settings: Settings, state: StackState) -> StackState:
    """Looked at here, too: a disk without room keeps the supervisor from writing down that it has none."""
    warning = disk_warning(settings.home_path, settings.disk_low_mb)
    said = any("on the disk of" in each for each in state.warnings)
    if warning is None or said:
        return state
    return msgspec.structs.replace(state, warnings=(*state.warnings, warning))


def memory_mb(pid: int) -> float | None:
    """Proportional memory (shared pages divided among their users) in MiB where the system tells, else the resident."""
    try:
        process = psutil.Process(pid)
        try:
            full = process.memory_full_info()
            return round(float(getattr(full, "pss", full.rss)) / 2**20, 1)
        except psutil.AccessDenied:
            return round(float(process.memory_info().rss) / 2**20, 1)
    except psutil.Error:
        return None


def _as_json(
    settings: Settings,
    state: StackState,
    memory: dict[str, float | None],
    lag: dict[str, int],
    waits: dict[str, str],
) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(state)
    for part in found["parts"]:
        part["memory_mb"] = memory.get(part["name"])
        part["lag"] = lag.get(part["name"])
        part["waits_for"] = waits.get(part["name"])
    found["disk"] = {"free_mb": room_mb(settings), "used_mb": usage_mb(settings)}
    found["supervisor_memory_mb"] = memory["supervisor"]
    found["memory_mb"] = round(sum(value or 0.0 for value in memory.values()), 1)
    return found


def _show(settings: Settings, state: StackState, memory: dict[str, float | None], lag: dict[str, int]) -> None:
    now = time.time()
    rows: list[tuple[object, ...]] = [
        (
            part.name,
            part.condition,
            part.pid or "",
            _duration(now - part.since),
            part.restarts or "",
            _or_empty(memory.get(part.name)),
            _or_empty(lag.get(part.name)),
            part.port or "",
        )
        for part in state.parts
    ]
    rows.append(
        (
            "supervisor",
            state.phase,
            state.pid,
            _duration(now - state.since),
            "",
            _or_empty(memory["supervisor"]),
            "",
            "",
        )
    )
    print_table(["process", "state", "#pid", "#since", "#restarts", "#memory MB", "#lag", "#port"], rows)
    total = sum(value or 0.0 for value in memory.values())
    console().print(f"{total:.0f} MB in all · home {settings.home_path}", style="dim", highlight=False)
    used = " · ".join(f"{kind} {size:,.0f}" for kind, size in usage_mb(settings).items() if size >= 1)
    console().print(
        f"disk, MB: {used or 'less than 1 of each kind'} · {room_mb(settings):,.0f} free", style="dim", highlight=False
    )
    for part in state.parts:
        if part.condition in BAD:
            console().print(f"\n{part.name}: {part.detail}\nThe whole log: {part.log}", markup=False, highlight=False)
    for warning in state.warnings:
        warn(warning)


def _say_why_not(settings: Settings, as_json: bool) -> None:
    last = read_state(settings.run_path)
    if as_json:
        print_json({"phase": "stopped", "error": last.error if last else None})
    elif last is not None and last.phase is Phase.FAILED:
        console().print(f"The last run ended with an error: {last.error}", markup=False)
    elif last is not None and last.phase is not Phase.STOPPED:
        console().print(f"The supervisor (pid {last.pid}) ended without stopping the stack; see {settings.logs_path}.")


def _duration(seconds: float) -> str:
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole / 3600:.1f} h"


def _or_empty(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
