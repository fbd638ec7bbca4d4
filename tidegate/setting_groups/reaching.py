"""Where the stack keeps its files, and where its own ports are reached."""

from pathlib import Path

from pydantic import Field

from tidegate.setting_groups.group import SettingGroup


class ReachingSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    home: Path = Field(
        default=Path("~/.tidegate"),
        description="Folder of all that the embedded stack keeps: logs, sockets, registry, artifacts, ClickHouse.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address that the gateway binds. Anything but loopback exposes the models to others.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names, with commas between, by which the local HTTP ports may be asked beside 127.0.0.1, "
        "localhost and `TIDEGATE_HOST`: those of a proxy that passes `Host` on. Where the gateway listens beyond the "
        "loopback every name is taken unless this is set.",
    )
    allowed_origins: str = Field(
        default="",
        description="Origins (`https://name[:port]`), with commas between, whose web pages may send requests to the "
        "gateway; no other page may.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins (`https://name[:port]`), with commas between, whose web pages may ask for predictions and "
        "read the answers (CORS); `*` for the pages of every origin. Of the prediction endpoints alone.",
    )
    gateway_port: int = Field(default=8700, description="Port of the gateway: predictions and the management API.")
    broker_port: int = Field(
        default=6669,
        description="Port of the embedded broker (loopback only). Browsers send nothing to 6566, 6665 to 6669, 6679, "
        "6697 and 10080; at another port a web page may make the broker hold what it sends.",
    )
    clickhouse_port: int = Field(default=8720, description="Port of the embedded ClickHouse (HTTP, loopback only).")
    monitor_port: int = Field(
        default=8730,
        description="First of the loopback ports where the other processes serve /healthz, /readyz and /metrics: "
        "sink +0, notifier +1, deployer +2, stream workers +10 and up.",
    )
