"""`tidegate gc`: what nobody needs any more, why, and how much it is; removed unless only to be shown."""

from datetime import UTC, datetime

from tidegate.cli.context import load_settings, open_registry
from tidegate.cli.output import console, print_json, print_table
from tidegate.home.disk_usage import room_mb
from tidegate.home.garbage import Item, garbage_of


def gc(*, dry_run: bool, as_json: bool) -> None:
    settings = load_settings()
    now = datetime.now(UTC)
    with open_registry(settings) as database:
        garbage = garbage_of(settings, database)
        done = [(item, not dry_run and garbage.remove(item, now)) for item in garbage.found(now)]
    if as_json:
        rows = [_values(item) | {"removed": gone} for item, gone in done]
        print_json({"dry_run": dry_run, "items": rows, "bytes": _total(done, dry_run), "free_mb": room_mb(settings)})
        return
    if done:
        print_table(
            ["kind", "#MB", "what", "why"],
            [(item.kind, f"{item.bytes / 1e6:,.1f}", item.path.name, item.reason) for item, _ in done],
        )
    console().print(f"{_outcome(done, dry_run)} {room_mb(settings):,.0f} MB are free.", highlight=False)


def _outcome(done: list[tuple[Item, bool]], dry_run: bool) -> str:
    if not done:
        return "Nothing to remove: everything is used, or may be yet."
    size = f"{_total(done, dry_run) / 1e6:,.1f} MB"
    if dry_run:
        return f"{size} would go."
    return f"{size} are gone." + ("" if all(gone for _, gone in done) else " What is used by now stays.")


def _total(done: list[tuple[Item, bool]], dry_run: bool) -> int:
    return sum(item.bytes for item, gone in done if gone or dry_run)


def _values(item: Item) -> dict[str, object]:
    return {"kind": item.kind, "path": str(item.path), "bytes": item.bytes, "reason": item.reason}
