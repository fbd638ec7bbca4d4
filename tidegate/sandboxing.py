"""How models are confined, from the settings: one rule for the deployer's checks and the supervisor's runners."""

from model_runner.names import DEFAULT_WORKSPACE
from model_runner.sandbox.policy import SandboxPolicy
from tidegate.parts.leftovers import MARK
from tidegate.settings import Settings


def sandbox_policy(settings: Settings) -> SandboxPolicy:
    """The mark lets a later start find runners whose supervisor was killed."""
    return SandboxPolicy(
        mechanism=settings.sandbox,
        allow_unsandboxed=settings.allow_unsandboxed,
        network=frozenset(map(_full, filter(None, map(str.strip, settings.sandbox_network.split(","))))),
        marks={MARK: str(settings.home_path)},
    )


def _full(model: str) -> str:
    return model if "/" in model else f"{DEFAULT_WORKSPACE}/{model}"
