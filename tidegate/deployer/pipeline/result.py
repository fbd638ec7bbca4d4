"""What comes of a deployment, at its end and before its switch."""

from dataclasses import dataclass

from storage.registry import Deployment, Version
from tidegate.deployer.pipeline.sample import Sample
from tidegate.deployer.pipeline.stages import StageDone


class DeployError(Exception):
    """A deployment that did not go live; the previous version still serves."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


class OwnFaultError(DeployError):
    """One for which nothing that was deployed is to blame: its cause, with the traceback, is for the log."""


@dataclass(frozen=True)
class Deployed:
    """What went live."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    profile_id: str | None
    previous_version: int | None
    predict_path: str
    """Of the gateway's URL."""
    preview: str | None
    """The branch as it stands in the preview's URL; None for production."""
    stages: tuple[StageDone, ...]


@dataclass(frozen=True)
class PreparedVersion:
    """A version that answers, and only lacks its traffic."""

    version: Version
    deployment: Deployment
    sample: Sample
    """What it answers to its own rows."""
