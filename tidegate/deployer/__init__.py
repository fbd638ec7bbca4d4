"""From a model folder to live traffic: receive, check, load, test predictions, profile, start, switch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.deployer.deploying import DeployConfig, Deployed, DeployError, deploy
    from tidegate.deployer.stages import StageDone

__all__ = ["DeployConfig", "DeployError", "Deployed", "StageDone", "deploy"]


def __getattr__(name: str) -> Any:
    """Loaded when it is asked for: who only announces deployments need not wait for NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tidegate.deployer import deploying, stages  # noqa: PLC0415

    return getattr(stages if name == "StageDone" else deploying, name)
