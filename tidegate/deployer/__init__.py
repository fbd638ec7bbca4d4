"""From a model folder to live traffic: receive, check, load, test predictions, profile, start, switch."""

from tidegate.deployer.deploying import DeployConfig, Deployed, DeployError, deploy
from tidegate.deployer.stages import StageDone

__all__ = ["DeployConfig", "DeployError", "Deployed", "StageDone", "deploy"]
