"""A model folder in; a version with live traffic out, or the stage, the file and the reason of its refusal."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.deployer.pipeline.config import DeployConfig
    from tidegate.deployer.pipeline.deploying import deploy
    from tidegate.deployer.pipeline.result import Deployed, DeployError
    from tidegate.deployer.pipeline.stages import StageDone

__all__ = ["DeployConfig", "DeployError", "Deployed", "StageDone", "deploy"]


def __getattr__(name: str) -> Any:
    """Loaded when it is asked for: who only announces deployments need not wait for NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tidegate.deployer.pipeline import config, deploying, result, stages  # noqa: PLC0415

    homes = {"StageDone": stages, "DeployConfig": config, "DeployError": result, "Deployed": result}
    return getattr(homes.get(name, deploying), name)
