"""Where a user finds the parts of a stack."""

from tidegate.settings import Settings


def urls(settings: Settings) -> dict[str, str]:
    """Where a user finds the stack; no credentials in them."""
    shown = {"gateway": settings.gateway_url, "kafka": settings.bootstrap}
    if settings.clickhouse_url is None:
        shown["clickhouse"] = f"http://127.0.0.1:{settings.clickhouse_port}"
    return shown
