"""Instances through a deployment's runner, and once more where it lost its traffic, or went to sleep, under them."""

from collections.abc import Sequence
from typing import Any

from gateway.bodies.large_numbers import UNKNOWN, too_large
from gateway.data_plane.calls import Call
from gateway.refusals import Refusal, misfits, of_runner
from gateway.routing.endpoints import Endpoint, Endpoints
from gateway.routing.waking import Waking
from model_runner.schema.instances import Problems
from model_runner.wire.failures import RunnerError, RunnerUnavailableError


async def predict(call: Call, endpoint: Endpoint, endpoints: Endpoints, waking: Waking, path: str) -> Endpoint:
    """Predict; which endpoint did.

    A runner that ends because its deployment lost the traffic took nothing on: the request goes to who has it now.

    Raises:
        Refusal: why there is no prediction.
    """
    try:
        await ask_awake(call, endpoint, waking)
    except RunnerUnavailableError as error:
        other = await endpoints.after_refresh(endpoint, path)
        if other is None and endpoint.route.idle_seconds is None:
            raise of_runner(error) from None
        # It may sleep, and its runner is gone: somebody has put it to sleep, or somebody else has just woken it.
        must_wake = other is None
        call.endpoint = other = other or endpoint
        try:
            await ask_awake(call, other, waking, must_wake=must_wake)
        except RunnerError as again:
            raise of_runner(again) from None
        return other
    except RunnerError as error:
        raise of_runner(error) from None
    return endpoint


async def ask_awake(call: Call, endpoint: Endpoint, waking: Waking, *, must_wake: bool = False) -> None:
    """One attempt, after a runner was started where there is none.

    Raises:
        Refusal: the instances do not fit, or no runner was started in time.
        RunnerError: the runner gave no predictions.
    """
    route = endpoint.route
    if must_wake or route.asleep or waking.is_under_way(route.deployment_id):
        # Before anything is started for it.
        check(endpoint, call.instances)
        await waking.awake(endpoint)
    await ask(call, endpoint)


async def ask(call: Call, endpoint: Endpoint) -> None:
    """One attempt; the call has the predictions then.

    Raises:
        Refusal: the instances do not fit.
        RunnerError: the runner gave no predictions.
    """
    check(endpoint, call.instances)
    try:
        reply = await endpoint.client.predict(call.instances)
    except OverflowError:
        large = too_large(call.instances, text_fits=endpoint.checker is None) or (UNKNOWN,)
        raise misfits(Problems(listed=large, more=False)) from None
    except RecursionError:
        raise Refusal(422, "invalid_features", "The instances are nested too deeply") from None
    call.predictions = reply.predictions or ()
    call.model_ms = round(reply.model_ms, 3)
    call.batch_size = reply.batch_size


def check(endpoint: Endpoint, instances: Sequence[Any]) -> None:
    """Raises Refusal where they do not fit the deployment's schema."""
    if endpoint.checker is not None:
        problems = endpoint.checker.check(instances)
        if problems is not None:
            raise misfits(problems)
    elif not all(type(instance) is dict for instance in instances):
        raise Refusal(422, "invalid_features", "Each instance must be an object with the features by name")
