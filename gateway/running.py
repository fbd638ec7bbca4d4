"""Instances through a deployment's runner, and once more where the deployment lost its traffic under them."""

from collections.abc import Sequence
from typing import Any

from gateway.calls import Call
from gateway.endpoints import Endpoint, Endpoints
from gateway.refusals import Refusal, misfits, of_runner
from model_runner.failures import RunnerError, RunnerUnavailableError


async def run(call: Call, endpoint: Endpoint, endpoints: Endpoints, path: str) -> Endpoint:
    """Predict; which endpoint did.

    A runner that ends because its deployment lost the traffic took nothing on: the request goes to who has it now.

    Raises:
        Refusal: why there is no prediction.
    """
    try:
        await ask(call, endpoint)
    except RunnerUnavailableError as error:
        other = await endpoints.after_refresh(endpoint, path)
        if other is None:
            raise of_runner(error) from None
        call.endpoint = other
        try:
            await ask(call, other)
        except RunnerError as again:
            raise of_runner(again) from None
        return other
    except RunnerError as error:
        raise of_runner(error) from None
    return endpoint


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
        raise Refusal(
            422, "invalid_features", "An integer has more than 64 bits; send it as a decimal number"
        ) from None
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
