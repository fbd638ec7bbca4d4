"""How the runner of a deployment is confined."""

from dataclasses import replace
from typing import Protocol

from model_runner.limits import Limits
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import confine
from tidegate.sandboxing import sandbox_policy
from tidegate.settings import Settings


class Placed(Protocol):
    """A deployment, or what is to be one."""

    @property
    def workspace(self) -> str: ...

    @property
    def model(self) -> str: ...


def confine_runner(settings: Settings, runner: Placed, name: str, limits: Limits) -> Confinement:
    """By the settings, and what its model asks for; `name` tells it from the deployment's other runners.

    Raises:
        ModelError: models cannot be confined on this machine.
    """
    load_seconds = settings.deadlines.load_s(limits.load_seconds)
    return confine(
        sandbox_policy(settings),
        replace(limits, load_seconds=load_seconds),
        workspace=runner.workspace,
        model=runner.model,
        process=name,
    )
