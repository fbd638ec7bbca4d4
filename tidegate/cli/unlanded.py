"""Before a stop: would it lose what was acknowledged? The embedded broker keeps its records in memory alone."""

from contextlib import suppress

import httpx

from model_runner.disk import no_room, says_full
from tidegate.cli.exits import CliError
from tidegate.settings import Settings

_ANSWER_S = 5.0


def require_room_to_land(settings: Settings) -> None:
    """Refuse to stop a stack whose ClickHouse has no room for what the embedded broker holds.

    Raises:
        CliError: what stands in the topics cannot land now, and would be gone with the broker.
    """
    if settings.kafka_bootstrap is None and says_full(_sink_waits_for(settings)):
        raise CliError(
            "The stack was not stopped: predictions that were answered are not in ClickHouse yet, and the embedded "
            f"broker would lose them. There is {no_room(None, settings.home_path)}. "
            "`tidegate down --now` stops all the same."
        )


def _sink_waits_for(settings: Settings) -> str:
    """Empty where it waits for nothing, or does not answer."""
    with suppress(httpx.HTTPError):
        answer = httpx.get(f"http://127.0.0.1:{settings.monitor_port}/readyz", timeout=_ANSWER_S)
        return "" if answer.is_success else answer.text
    return ""
