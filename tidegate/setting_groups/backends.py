"""Kafka, ClickHouse, the registry and the artifact store: the embedded ones, or those of others."""

from pydantic import Field, SecretStr

from tidegate.setting_groups.group import SettingGroup


class BackendSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

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
