"""Before a stop: would it lose what was acknowledged? The embedded broker keeps its records in memory alone."""

from model_runner.disk.space import no_room, says_full
from tidegate.cli.exits import CliError
from tidegate.cli.waits import waits_for
from tidegate.parts.monitor_ports import SINK_OFFSET
from tidegate.settings import Settings

_ANSWER_S = 5.0


def require_room_to_land(settings: Settings) -> None:
    """Refuse to stop a stack whose ClickHouse has no room for what the embedded broker holds.

    Raises:
        CliError: what stands in the topics cannot land now, and would be gone with the broker.
    """
    if settings.kafka_bootstrap is None and says_full(waits_for(settings.monitor_port + SINK_OFFSET, _ANSWER_S)):
        raise CliError(
            "The stack was not stopped: predictions that were answered are not in ClickHouse yet, and the embedded "
            f"broker would lose them. There is {no_room(None, settings.home_path)}. "
            "`tidegate down --now` stops all the same."
        )
