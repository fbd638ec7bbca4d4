"""`tidegate models`."""

from typing import Any

from storage.registry import Model, list_models
from tidegate.cli.context import HEAL, load_settings, open_registry
from tidegate.cli.output import console, print_list, print_table, rows_left_out, tell_unreadable


def models(*, as_json: bool) -> None:
    with open_registry(load_settings()) as database:
        unreadable = rows_left_out()
        found = [_values(model) for model in list_models(database, unreadable=unreadable)]
    tell_unreadable(unreadable, HEAL)
    if as_json:
        print_list("models", found, unreadable)
    elif not found and not unreadable:
        console().print("No model is deployed yet: `tidegate deploy PATH`.")
    else:
        print_table(
            ["model", "#versions", "#live", "deployment", "live since", "profile"],
            [
                (
                    row["model"],
                    len(row["versions"]),
                    *(_or_dash(row[key]) for key in ("live", "deployment_id", "live_at", "profile_id")),
                )
                for row in found
            ],
        )


def _values(model: Model) -> dict[str, Any]:
    live = model.live
    return {
        "workspace": model.workspace,
        "model": model.name,
        "versions": [
            {
                "version": version.number,
                "format": version.format,
                "created": version.created.isoformat(timespec="seconds"),
            }
            for version in model.versions
        ],
        "live": live.version if live else None,
        "deployment_id": live.id if live else None,
        "live_at": live.live_at.isoformat(timespec="seconds") if live and live.live_at else None,
        "profile_id": live.profile_id if live else None,
    }


def _or_dash(value: object) -> object:
    return "-" if value is None else value
