"""What one machine's runners may take together: asked before one more is wanted, and again before it is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import psutil

from model_runner.folder.manifest import Manifest
from model_runner.folder.maxima import Maxima, refuse_above
from model_runner.limits import DEFAULT_LIMITS, size_text
from storage.registry import Database, Deployment, DeploymentStateError, DesiredRunner, Version, desired_runners
from tidegate.settings import Settings

MACHINES = 4
"""Times the machine's memory. A limit is a ceiling: a runner of an ordinary model takes a tenth of the default."""
_MB = 1000**2


class CapacityError(DeploymentStateError):
    """There is no room for one more runner; the message has the figures."""


@dataclass(frozen=True)
class Capacity:
    """What the operator allows."""

    each: Maxima
    memory_bytes: float = inf
    """Of all runners together, by their limits; those that sleep take none."""

    def admit(self, manifest: Manifest, database: Database) -> None:
        """For a folder that is to be deployed.

        Raises:
            ModelError: it asks for more than one model may have.
            CapacityError: there is no room for it beside the others.
        """
        refuse_above(manifest, self.each)
        self._refuse(database, manifest.replicas * manifest.limits.memory_bytes, manifest.name)

    def admit_versions(self, versions: Sequence[Version], database: Database) -> None:
        """For one more deployment of each. Raises CapacityError."""
        if versions:
            needed = sum(int(one.manifest.get("replicas", 1)) * memory_of(one.manifest) for one in versions)
            numbers = " and ".join(f"version {one.number}" for one in versions)
            self._refuse(database, needed, f"{versions[0].model} {numbers}")

    def admit_replicas(self, deployments: Sequence[Deployment], replicas: int, database: Database) -> None:
        """For another number of runners of each of these deployments.

        Raises:
            ValueError: more than a deployment may have.
            CapacityError: there is no room for them.
        """
        if not 1 <= replicas <= self.each.replicas:
            raise ValueError(
                f"a deployment has 1 to {self.each.replicas} replicas here, not {replicas}: who runs this installation "
                "may allow more (TIDEGATE_MAX_REPLICAS)"
            )
        ids = {found.id for found in deployments}
        wanted = [one for one in desired_runners(database, {}) if one.deployment_id in ids]
        more = sum(max(0, replicas - one.replicas) * memory_of(one.manifest) for one in wanted if not one.asleep)
        if more:
            self._refuse(database, more, f"{replicas} replicas of {deployments[0].model}")

    def trouble(self, needed: int, held: int) -> str | None:
        """Why so many bytes more cannot be given; None where they can."""
        if held + needed <= self.memory_bytes:
            return None
        return (
            f"needs {size_text(needed)} of memory by its limits. The runners that are up may take {size_text(held)}, "
            f"and all together {size_text(int(self.memory_bytes))}: scale others down, lower [limits] memory, or have "
            "who runs this installation raise TIDEGATE_MAX_TOTAL_MEMORY_MB"
        )

    def _refuse(self, database: Database, needed: int, what: str) -> None:
        trouble = self.trouble(needed, held_bytes(desired_runners(database, {})))
        if trouble is not None:
            raise CapacityError(f"{what} {trouble}")


def held_bytes(runners: Sequence[DesiredRunner]) -> int:
    """What these may take by their limits."""
    return sum(one.replicas * memory_of(one.manifest) for one in runners if not one.asleep)


def memory_of(manifest: dict[str, object]) -> int:
    """The limit of one runner, as the registry keeps it with the version."""
    limits = manifest.get("limits")
    found = limits.get("memory_bytes") if isinstance(limits, dict) else None
    return int(found or DEFAULT_LIMITS.memory_bytes)


def capacity_of(settings: Settings) -> Capacity:
    """What is not set follows from this machine; pods run on others, which nobody here knows."""
    here = psutil.virtual_memory().total if settings.launcher == "process" else inf
    return Capacity(
        Maxima(
            memory_bytes=_bytes(settings.max_model_memory_mb, here),
            cpus=settings.max_cpus,
            load_seconds=settings.max_load_seconds,
            predict_seconds=settings.max_predict_seconds,
            replicas=settings.max_replicas,
        ),
        memory_bytes=_bytes(settings.max_total_memory_mb, MACHINES * here),
    )


def _bytes(given_mb: int | None, otherwise: float) -> float:
    return otherwise if given_mb is None else given_mb * _MB
