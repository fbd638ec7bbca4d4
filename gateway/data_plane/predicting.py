"""Instances through a deployment's runner, and once more where it lost its traffic, or went to sleep, under them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.bodies.large_numbers import UNKNOWN, too_large
from gateway.data_plane.calls import Predicted
from gateway.refusals import Refusal, misfits, of_runner
from gateway.routing.endpoints import Endpoint, Endpoints
from gateway.routing.waking import Waking
from model_runner.schema.instances import Problems
from model_runner.wire.failures import RunnerError, RunnerUnavailableError


class Outcome(NamedTuple):
    """Which deployment was asked last, and its predictions or why there are none."""

    endpoint: Endpoint
    result: Predicted | Refusal


async def predict(
    instances: Sequence[Any], endpoint: Endpoint, endpoints: Endpoints, waking: Waking, path: str
) -> Outcome:
    """A runner that ends because its deployment lost the traffic took nothing on: who has the traffic now is asked."""
    try:
        return Outcome(endpoint, await ask_awake(instances, endpoint, waking))
    except RunnerUnavailableError as error:
        other = await endpoints.after_refresh(endpoint, path)
        if other is None and endpoint.route.idle_seconds is None:
            return Outcome(endpoint, of_runner(error))
    except (Refusal, RunnerError) as error:
        return Outcome(endpoint, _refusal(error))
    # It may sleep, and its runner is gone: somebody has put it to sleep, or somebody else has just woken it.
    return await attempt(instances, other or endpoint, waking, must_wake=other is None)


async def attempt(instances: Sequence[Any], endpoint: Endpoint, waking: Waking, *, must_wake: bool = False) -> Outcome:
    """One attempt, whatever becomes of it."""
    try:
        return Outcome(endpoint, await ask_awake(instances, endpoint, waking, must_wake=must_wake))
    except (Refusal, RunnerError) as error:
        return Outcome(endpoint, _refusal(error))


def _refusal(error: Refusal | RunnerError) -> Refusal:
    return error if isinstance(error, Refusal) else of_runner(error)


async def ask_awake(
    instances: Sequence[Any], endpoint: Endpoint, waking: Waking, *, must_wake: bool = False
) -> Predicted:
    """One attempt, after a runner was started where there is none.

    Raises:
        Refusal: the instances do not fit, or no runner was started in time.
        RunnerError: the runner gave no predictions.
    """
    route = endpoint.route
    if must_wake or route.asleep or waking.is_under_way(route.deployment_id):
        # Before anything is started for it.
        check(endpoint, instances)
        await waking.awake(endpoint)
    return await ask(instances, endpoint)


async def ask(instances: Sequence[Any], endpoint: Endpoint) -> Predicted:
    """One attempt at a runner that is there.

    Raises:
        Refusal: the instances do not fit.
        RunnerError: the runner gave no predictions.
    """
    check(endpoint, instances)
    try:
        reply = await endpoint.client.predict(instances)
    except OverflowError:
        large = too_large(instances, text_fits=endpoint.checker is None) or (UNKNOWN,)
        raise misfits(Problems(listed=large, more=False)) from None
    except RecursionError:
        raise Refusal(422, "invalid_features", "The instances are nested too deeply") from None
    return Predicted(reply.predictions or (), round(reply.model_ms, 3), reply.batch_size)


def check(endpoint: Endpoint, instances: Sequence[Any]) -> None:
    """Raises Refusal where they do not fit the deployment's schema."""
    if endpoint.checker is not None:
        problems = endpoint.checker.check(instances)
        if problems is not None:
            raise misfits(problems)
    elif not all(type(instance) is dict for instance in instances):
        raise Refusal(422, "invalid_features", "Each instance must be an object with the features by name")
