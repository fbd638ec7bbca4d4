"""`tidegate topics`, `tidegate migrate` and `tidegate settings`."""

from dataclasses import asdict
from typing import Any

from pydantic import SecretStr

from tidegate.cli.context import load_settings
from tidegate.cli.exits import CliError
from tidegate.cli.output import console, print_json, print_table
from tidegate.settings import Settings


def topics(*, as_json: bool) -> None:
    from tidegate.backends.topics import TopicsError, ensure_topics  # noqa: PLC0415

    settings = load_settings()
    try:
        reports = ensure_topics(settings.bootstrap, settings.topics)
    except TopicsError as error:
        raise CliError(str(error)[:1].upper() + str(error)[1:]) from error
    if as_json:
        print_json([asdict(report) for report in reports])
        return
    print_table(
        ["topic", "state", "#partitions", "details"],
        [(report.name, report.outcome, report.partitions, "; ".join(report.details)) for report in reports],
    )


def migrate(*, as_json: bool) -> None:
    from tidegate.backends.migrating import MigrateError, migrate_clickhouse, migrate_registry  # noqa: PLC0415

    settings = load_settings()
    try:
        migrate_registry(settings)
        applied = migrate_clickhouse(settings)
    except MigrateError as error:
        raise CliError(str(error)) from error
    if as_json:
        print_json({"applied": applied})
    else:
        console().print("\n".join(f"applied {name}" for name in applied) or "Everything is up to date.")


def list_settings(*, as_json: bool) -> None:
    settings = load_settings()
    rows = [_row(settings, name) for name in Settings.model_fields]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["variable", "value", "default", "meaning"],
        [(row["variable"], _shown(row["value"]), _shown(row["default"]), row["description"]) for row in rows],
    )


def _row(settings: Settings, name: str) -> dict[str, Any]:
    described = Settings.model_fields[name]
    value = getattr(settings, name)
    return {
        "variable": f"TIDEGATE_{name.upper()}",
        "value": "(set, not shown)" if isinstance(value, SecretStr) else _plain(value),
        "default": _plain(described.default),
        "given": name in settings.model_fields_set,
        "description": described.description,
    }


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _shown(value: object) -> str:
    return "" if value is None else str(value)
