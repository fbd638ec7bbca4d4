"""Watches what grows: the memory of the embedded broker and the size of the logs."""

import asyncio
from contextlib import suppress
from pathlib import Path

import psutil

from model_runner.disk.space import free_mb
from tidegate.supervisor.logs import rotate_in_place

WARN_SHARE = 0.8
LOGS_S = 5.0


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process in MiB; None when it is gone."""
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return None


def broker_verdict(used_mb: float, limit_mb: int) -> tuple[str | None, str | None]:
    """What its memory means: (reason to stop, warning), each None where there is none."""
    used = f"The embedded broker holds {used_mb:.0f} MB of {limit_mb} MB"
    remedy = (
        "It keeps all records in memory until it stops: restart the stack, raise TIDEGATE_BROKER_MEMORY_MB, or use a "
        "real Kafka with TIDEGATE_KAFKA_BOOTSTRAP."
    )
    if used_mb > limit_mb:
        return f"{used}, so the stack was drained and stopped; everything it held is in ClickHouse. {remedy}", None
    if used_mb > WARN_SHARE * limit_mb:
        return None, f"{used}. {remedy}"
    return None, None


def disk_warning(home: Path, low_mb: int) -> str | None:
    """What is to be said of the room that is left; None while there is enough."""
    try:
        free = free_mb(home)
    except OSError as error:
        return f"The disk of {home} cannot be asked how full it is: {error}"
    if free >= low_mb:
        return None
    what = "There is no room left" if free < 1 else f"About {free // 10 * 10:.0f} MB are left"
    fix = "`tidegate gc` removes what nobody needs, `tidegate status` says what takes it"
    return f"{what} on the disk of {home}: {fix}"


async def keep_log_small(path: Path) -> None:
    """Rotate the supervisor's own log when it has grown too large, until it is cancelled."""
    while True:
        with suppress(OSError):
            await asyncio.to_thread(rotate_in_place, path)
        await asyncio.sleep(LOGS_S)
