"""Does the work of one job, as the deployer orders it on stdin.

A process of its own, so that a job can be ended at any moment, and started before there is a job, so that none waits
for its libraries.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog

from model_runner.explaining.raised import own_fault
from model_runner.plain_text import plain, quoted_text
from tidegate.deployer.jobs.messages import (
    Answer,
    HasFailed,
    IsLive,
    IsPrepared,
    IsSaid,
    Prepare,
    StageIsDone,
    Switch,
    decode_order,
    encode,
)
from tidegate.deployer.jobs.retrying import can_pass
from tidegate.deployer.pipeline.closing import closing_lines
from tidegate.deployer.pipeline.configuring import deploy_config
from tidegate.deployer.pipeline.deploying import prepare, switch_to
from tidegate.deployer.pipeline.request import DeployRequest, Received
from tidegate.deployer.pipeline.result import DeployError, OwnFaultError
from tidegate.deployer.pipeline.stages import StageDone
from tidegate.logging import configure
from tidegate.rollout.producers import producer_for
from tidegate.settings import Settings

log = structlog.get_logger()


class JobWorker:
    """Answers orders; what goes wrong is an answer too."""

    def __init__(self, settings: Settings, answers: BinaryIO) -> None:
        self._config = config = deploy_config(settings)
        # Made before there is a job: it is ready when the job wants it.
        producer_for(config.rollout.bootstrap, config.rollout.layout)
        self._answers = answers

    def prepare(self, order: Prepare) -> None:
        with self._failing(order.folder):
            prepared = prepare(
                Path(order.folder),
                self._config,
                DeployRequest(
                    name=order.model,
                    workspace=order.workspace,
                    branch=order.preview_of,
                    deployment_id=order.deployment_id,
                    received=Received(order.received_s),
                ),
                self._stage,
                lambda line: self._say(IsSaid(line=plain(line))),
            )
            lines = closing_lines(prepared, self._config, order.url)
            self._say(IsPrepared(version=prepared.version.number, closing=lines))

    def switch(self, order: Switch) -> None:
        with self._failing():
            switch_to(order.deployment_id, self._config, self._stage)
            self._say(IsLive())

    def _stage(self, done: StageDone) -> None:
        self._say(StageIsDone(name=done.name, seconds=done.seconds, detail=done.detail))

    @contextmanager
    def _failing(self, folder: str | None = None) -> Iterator[None]:
        """A pusher knows nothing of the folder in which the work is done."""
        try:
            yield
        except DeployError as error:
            if isinstance(error, OwnFaultError):
                log.exception("job.fault", stage=error.stage)
            reason = error.reason.replace(folder, "the repository") if folder else error.reason
            self._say(HasFailed(stage=error.stage, reason=reason, can_pass=can_pass(error)))
        except Exception as error:  # whatever it is, the deployer must hear of it
            reason = quoted_text(own_fault(error))
            self._say(HasFailed(stage="", reason=reason, can_pass=can_pass(error)))
            raise

    def _say(self, answer: Answer) -> None:
        self._answers.write(encode(answer))
        self._answers.flush()


def _own_stdout() -> BinaryIO:
    """Answers have the pipe to themselves: whatever else prints, prints into the log."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def main() -> int:
    """0 when the deployer has no more orders."""
    worker = JobWorker(settings := Settings(), _own_stdout())
    configure(settings.log_level)
    for line in sys.stdin.buffer:
        order = decode_order(line)
        if isinstance(order, Prepare):
            worker.prepare(order)
        else:
            worker.switch(order)
    return 0
