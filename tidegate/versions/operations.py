"""The changes that a user can ask for. Each is planned here and carried out by tidegate/rollout/engine.py."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from storage import registry
from storage.registry import Database, Deployment, DeploymentStateError, Role, Status, with_share
from tidegate.rollout.change import Change
from tidegate.rollout.config import RolloutConfig
from tidegate.rollout.making import make, require_files
from tidegate.versions.runners import usable, without_runner
from tidegate.versions.wording import shared_out


def traffic(
    config: RolloutConfig, database: Database, workspace: str, model: str, weights: Mapping[int, float]
) -> Change:
    """Share a model's traffic out over versions; one that is not named gets none.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        ValueError: a weight is negative, or none is above 0.
    """
    shares = registry.shares_of({str(version): weight for version, weight in weights.items()})
    versions = {int(number): registry.get_version(database, model, int(number), workspace) for number in shares}
    known = registry.deployments_of(database, model, workspace)
    there = {number: usable(known, number) for number in versions}
    for number, found in there.items():
        if found is None:
            require_files(versions[number])
    down = without_runner(config, [found for found in there.values() if found is not None])
    # All of them, before the first is made.
    config.capacity.admit_versions([versions[number] for number, found in there.items() if found is None], database)
    new = {number: make(config, database, versions[number]) for number, found in there.items() if found is None}
    chosen = {number: found or new[number] for number, found in there.items()}
    waits_for = (*new.values(), *down)
    switch = partial(
        registry.set_traffic,
        weights={chosen[int(number)].id: share for number, share in shares.items()},
        keep_warm=config.warm_runners,
        # A switch that had to wait must not undo what somebody else did meanwhile.
        expected=[found.id for found in with_share(known)] if waits_for else None,
    )
    by_version = {int(number): share for number, share in shares.items()}
    takes = tuple(chosen[number].id for number, share in by_version.items() if share > 0)
    return Change(workspace, model, shared_out(model, by_version), switch, tuple(new.values()), waits_for, takes)


def rollback(config: RolloutConfig, database: Database, workspace: str, model: str, version: int | None) -> Change:
    """Give all the traffic to a version, by default to the one that was live before.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        DeploymentStateError: nothing was live before.
    """
    if version is None:
        registry.get_model(database, model, workspace)
        before = registry.before_the_live_one(registry.deployments_of(database, model, workspace))
        if before is None:
            raise DeploymentStateError(f"no other version of {model!r} was ever live: there is nothing to go back to")
        version = before.version
    return traffic(config, database, workspace, model, {version: 1.0})


def promote(config: RolloutConfig, database: Database, workspace: str, model: str, version: int | None) -> Change:
    """Give all the traffic to a version, by default to the only canary or shadow.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        DeploymentStateError: there is no canary or shadow, or more than one.
    """
    if version is None:
        registry.get_model(database, model, workspace)
        version = _only_candidate(registry.deployments_of(database, model, workspace), model)
    return traffic(config, database, workspace, model, {version: 1.0})


def redeploy(config: RolloutConfig, database: Database, workspace: str, model: str, version: int | None) -> Change:
    """A new runner of a version, by default of the newest that was ever live, without building it anew.

    It takes the place of the version's live deployment; where it has none, it gets all the traffic.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
    """
    known = registry.deployments_of(database, model, workspace)
    newest = registry.get_model(database, model, workspace).versions[-1].number
    number = version or registry.newest_served(known) or newest
    wanted = registry.get_version(database, model, number, workspace)
    old = next((found for found in known if found.version == number and found.status is Status.LIVE), None)
    serving = with_share(known)
    require_files(wanted)
    switch: Callable[[Database], object]
    if old is None or old in serving:
        new = make(config, database, wanted)
        weights = {new.id if found is old else found.id: found.weight for found in serving} if old else {new.id: 1.0}
        expected = [found.id for found in serving]
        switch = partial(registry.set_traffic, weights=weights, keep_warm=config.warm_runners, expected=expected)
    else:
        new = make(config, database, wanted, old.role, branch=old.branch, expires=old.expires)
        switch = partial(registry.switch_route, deployment_id=new.id, keep_warm=config.warm_runners)
    summary = f"{model} version {number} runs anew, as deployment {new.id}"
    takes = () if new.role is Role.SHADOW else (new.id,)
    return Change(workspace, model, summary, switch, (new,), (new,), takes)


def shadow(config: RolloutConfig, database: Database, workspace: str, model: str, version: int) -> Change:
    """Send a version copies of the model's requests.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        DeploymentStateError: it has a share of the traffic, or nobody has.
    """
    wanted = registry.get_version(database, model, version, workspace)
    known = registry.deployments_of(database, model, workspace)
    serving = with_share(known)
    if not serving:
        raise DeploymentStateError(f"no version of {model!r} is live: there are no requests to copy")
    if any(found.version == version for found in serving):
        raise DeploymentStateError(f"version {version} has a share of the traffic: `tidegate traffic` takes it away")
    there = usable(known, version)
    if there is None:
        require_files(wanted)
    chosen = there or make(config, database, wanted, Role.SHADOW)
    new = (chosen,) if there is None else ()
    waits_for = new or tuple(without_runner(config, [chosen]))
    switch = partial(registry.make_shadow, deployment_id=chosen.id)
    return Change(workspace, model, f"{model} version {version} gets copies of the requests", switch, new, waits_for)


def end_shadow(config: RolloutConfig, database: Database, workspace: str, model: str, version: int | None) -> Change:
    """Send a version (by default every one) no more copies.

    Raises:
        UnknownModelError: there is none.
        DeploymentStateError: it is no shadow, or there is none.
    """
    registry.get_model(database, model, workspace)
    found = shadows(registry.deployments_of(database, model, workspace))
    ending = [one for one in found if version in (None, one.version)]
    if not ending:
        there = f"its shadows: {', '.join(f'v{one.version}' for one in found)}" if found else "it has none"
        which = "a shadow" if version is None else f"version {version} as a shadow"
        raise DeploymentStateError(f"{model!r} does not have {which}: {there}")

    def switch(opened: Database) -> None:
        for one in ending:
            registry.end_shadow(opened, one.id, keep_warm=config.warm_runners)

    numbers = " and ".join(f"version {one.version}" for one in ending)
    return Change(workspace, model, f"{model} {numbers} gets no more copies", switch)


def _scaled(changed: Sequence[Deployment], replicas: int) -> str:
    """Which, by what they are to callers."""
    *first, last = (f"version {one.version} ({one.role})" for one in changed)
    runners = "1 replica" if replicas == 1 else f"{replicas} replicas"
    return f"{', '.join(first)} and {last} have {runners} each" if first else f"{last} has {runners}"


def _untouched(every: Sequence[Deployment], changed: Sequence[Deployment]) -> str:
    previews = [f"version {one.version}" for one in every if one.role is Role.PREVIEW and one not in changed]
    if not previews:
        return ""
    shown = ", ".join(previews[:5]) + (" …" if len(previews) > 5 else "")
    return f"; previews keep theirs ({shown}: name one by its version to scale it)"


def scale(
    config: RolloutConfig, database: Database, workspace: str, model: str, replicas: int, version: int | None
) -> Change:
    """Give every live deployment of a model so many runners, or every one of a version.

    Nobody waits for them: gateways ask those that are ready. Previews are left as they are, unless their version is
    named: who scales a model means what its callers get.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        DeploymentStateError: it has no live deployment.
        CapacityError: there is no room for them beside the others.
        ValueError: no deployment can have so many.
    """
    registry.get_model(database, model, workspace)
    if version is not None:
        registry.get_version(database, model, version, workspace)
    every = [found for found in registry.deployments_of(database, model, workspace) if found.status is Status.LIVE]
    if version is None:
        live = [found for found in every if found.role is not Role.PREVIEW]
    else:
        live = [found for found in every if found.version == version]
    if not live:
        which = model if version is None else f"version {version} of {model}"
        raise DeploymentStateError(f"no deployment of {which} is live: `tidegate redeploy` starts one")
    config.capacity.admit_replicas(live, replicas, database)
    switch = partial(registry.set_replicas, deployment_ids=[found.id for found in live], replicas=replicas)
    return Change(workspace, model, f"{model}: {_scaled(live, replicas)}{_untouched(every, live)}", switch)


def shadows(deployments: Sequence[Deployment]) -> list[Deployment]:
    """Those that get copies."""
    return [found for found in deployments if found.status is Status.LIVE and found.role is Role.SHADOW]


def _only_candidate(deployments: Sequence[Deployment], model: str) -> int:
    canaries = with_share(deployments)[1:]
    found = sorted({one.version for one in [*canaries, *shadows(deployments)]})
    if len(found) == 1:
        return found[0]
    named = f"{', '.join(f'v{number}' for number in found)}: name the one" if found else "none: name a version"
    raise DeploymentStateError(f"{model!r} has to have one canary or shadow to be promoted, and has {named}")
