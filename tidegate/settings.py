"""All settings as one: environment variables with the prefix TIDEGATE_, or a file `.env`. Each: setting_groups/."""

from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_runner.folder.bounds import FolderBounds
from stream.contracts.topics import TopicLayout
from tidegate.deadlines import Deadlines
from tidegate.setting_groups.alerts import AlertSettings
from tidegate.setting_groups.backends import BackendSettings
from tidegate.setting_groups.deploying import DeployingSettings
from tidegate.setting_groups.disk import DiskSettings
from tidegate.setting_groups.github import GithubSettings
from tidegate.setting_groups.reaching import ReachingSettings
from tidegate.setting_groups.runners import RunnerSettings
from tidegate.setting_groups.serving import ServingSettings
from tidegate.setting_groups.streaming import StreamSettings
from tidegate.setting_groups.supervising import SupervisingSettings

EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  what a user may bind, not what we do


def secret_of(setting: SecretStr | None) -> str | None:
    """Its value; None where none, or an empty one, is set."""
    return setting.get_secret_value() or None if setting is not None else None


def _content_of(path: Path) -> str | None:
    """None where there is no such file: nothing of this home was ever started."""
    try:
        return path.read_text("ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


class Settings(
    SupervisingSettings,
    AlertSettings,
    GithubSettings,
    DiskSettings,
    DeployingSettings,
    RunnerSettings,
    ServingSettings,
    StreamSettings,
    BackendSettings,
    ReachingSettings,
    BaseSettings,
):
    """Read once at the start of a process and handed on as plain values.

    Tables of settings show the groups from the last base to the first: so pydantic collects fields.
    """

    model_config = SettingsConfigDict(
        env_prefix="TIDEGATE_", env_file=".env", extra="ignore", frozen=True, defer_build=False
    )

    @property
    def home_path(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def deadlines(self) -> Deadlines:
        """For all who wait for a model."""
        return Deadlines(
            load=self.runner_start_timeout_s, most_load=self.max_load_seconds, build_step=self.environment_timeout_s
        )

    @property
    def logs_path(self) -> Path:
        return self.home_path / "logs"

    @property
    def environments_path(self) -> Path:
        return self.home_path / "environments"

    @property
    def run_path(self) -> Path:
        """Sockets, the supervisor's lock and its state."""
        return self.home_path / "run"

    @property
    def folder_bounds(self) -> FolderBounds:
        """What one model's files may be."""
        return FolderBounds(self.max_model_files, self.max_model_bytes, self.disk_reserve_mb * 1_000_000)

    @property
    def token_path(self) -> Path:
        """The token of the management API and of git."""
        return self.home_path / "token"

    @property
    def clickhouse_password_path(self) -> Path:
        """The password of the embedded ClickHouse."""
        return self.home_path / "clickhouse-password"

    @property
    def bootstrap(self) -> str:
        return self.kafka_bootstrap or f"127.0.0.1:{self.broker_port}"

    @property
    def gateway_url(self) -> str:
        """As it is reached from this machine."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.gateway_port}"

    @property
    def clickhouse_dsn(self) -> str:
        """URL with credentials: never to be logged."""
        if self.clickhouse_url is not None:
            return self.clickhouse_url.get_secret_value()
        password = secret_of(self.clickhouse_password) or _content_of(self.clickhouse_password_path)
        user = f"default:{quote(password, safe='')}@" if password else ""
        return f"http://{user}127.0.0.1:{self.clickhouse_port}"

    @property
    def database_dsn(self) -> str:
        """SQLAlchemy URL with credentials: never to be logged."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home_path / 'registry.sqlite'}"

    @property
    def artifacts(self) -> str:
        return self.artifacts_url or (self.home_path / "artifacts").as_uri()

    @property
    def topics(self) -> TopicLayout:
        return TopicLayout(
            prefix=self.topic_prefix,
            event_partitions=self.event_partitions,
            metric_partitions=self.metric_partitions,
            replication=self.replication,
            retention_hours=self.retention_hours,
        )
