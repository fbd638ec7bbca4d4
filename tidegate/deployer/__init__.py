"""From a model folder to live traffic: receive, check, load, test predictions, profile, start, switch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.deployer.config import DeployConfig
    from tidegate.deployer.deploying import deploy
    from tidegate.deployer.outcome import Deployed, DeployError
    from tidegate.deployer.stages import StageDone

__all__ = ["DeployConfig", "DeployError", "Deployed", "StageDone", "deploy"]


def __getattr__(name: str) -> Any:
    """Loaded when it is asked for: who only announces deployments need not wait for NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tidegate.deployer import config, deploying, outcome, stages  # noqa: PLC0415

    homes = {"StageDone": stages, "DeployConfig": config, "DeployError": outcome, "Deployed": outcome}
    return getattr(homes.get(name, deploying), name)
