"""`tidegate environments`."""

from datetime import UTC, datetime
from typing import Any

from model_runner.environment import Entry
from tidegate.cli.context import load_settings, open_registry
from tidegate.cli.output import console, print_json, print_table
from tidegate.home.environments import store_of, users


def environments(*, as_json: bool) -> None:
    settings = load_settings()
    store = store_of(settings)
    with open_registry(settings) as database:
        used_by = users(database)
    found = [_values(entry, used_by) for entry in store.entries()]
    downloads_mb = round(store.downloads_bytes() / 1e6, 1)
    if as_json:
        print_json({"environments": found, "downloads_mb": downloads_mb, "limit_mb": settings.environments_mb})
        return
    if found:
        print_table(
            ["environment", "#packages", "#MB", "last used", "used by"],
            [
                (
                    row["key"],
                    len(row["packages"]),
                    f"{row['mb']:.0f}",
                    row["last_used"],
                    ", ".join(row["used_by"]) or "-",
                )
                for row in found
            ],
        )
    else:
        console().print("No model has needed an environment of its own yet.")
    total = sum(row["mb"] for row in found) + downloads_mb
    console().print(f"{total:.0f} of {settings.environments_mb} MB, {downloads_mb:.0f} MB of them downloads")


def _values(entry: Entry, used_by: dict[str, list[str]]) -> dict[str, Any]:
    about = entry.about
    return {
        "key": about.key,
        "python": about.python,
        "packages": list(about.packages),
        "mb": round(about.bytes / 1e6, 1),
        "built_in_s": about.seconds,
        "last_used": datetime.fromtimestamp(entry.last_used, UTC).isoformat(timespec="seconds"),
        "used_by": used_by.get(about.key, []),
    }
