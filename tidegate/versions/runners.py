"""Which runners there are for a version, and which of them answer."""

import asyncio
from collections.abc import Callable, Sequence

from storage.registry import PRODUCTION, Deployment, Role, Status
from tidegate.parts.probes import not_ready
from tidegate.rollout.config import RolloutConfig


def usable(deployments: Sequence[Deployment], version: int, *, shadows: bool = True) -> Deployment | None:
    """The deployment of a version that can take traffic without a start: one with a share, a warm one, a shadow."""
    ranks: tuple[Callable[[Deployment], bool], ...] = (
        lambda found: found.status is Status.LIVE and found.role in PRODUCTION,
        lambda found: found.status is Status.WARM,
        lambda found: shadows and found.status is Status.LIVE and found.role is Role.SHADOW,
    )
    mine = [found for found in deployments if found.version == version]
    return next((found for fits in ranks for found in mine if fits(found)), None)


def without_runner(config: RolloutConfig, deployments: Sequence[Deployment]) -> list[Deployment]:
    """Those whose runner does not answer at this moment."""

    async def answers(found: Deployment) -> bool:
        waits = await asyncio.gather(*map(not_ready, config.places.probes(found) or ()))
        # One of several is enough for a switch that cannot wait.
        return None in waits

    async def all_answers() -> list[bool]:
        return list(await asyncio.gather(*map(answers, deployments)))

    return [found for found, well in zip(deployments, asyncio.run(all_answers()), strict=True) if not well]
