"""The management API of jobs, under /api/v1/jobs. Who may ask is decided before (gateway/front_door.py)."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Depends, Path, Query
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from gateway.management.errors import error_responses
from gateway.management.versions import PREFIX
from model_runner.names import DEFAULT_WORKSPACE

MOST_JOBS = 200
MOST_WAIT_S = 30.0
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobNumber = Annotated[int, Path(description="The job's number.", examples=[12])]
_declared = HTTPBearer(auto_error=False, description="The token that `tidegate up` shows.")


class JobView(BaseModel):
    """One push, from its start to its end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 12,
                    "workspace": "default",
                    "model": "loans",
                    "kind": "push",
                    "branch": "main",
                    "commit": "1d12ec6a8a7b3ef2a7c2b7e6f6a2c1f0e5d4c3b2",
                    "state": "succeeded",
                    "stage": "switch",
                    "attempts": 1,
                    "version": 3,
                    "deployment_id": "d66161ad04942",
                    "error": None,
                    "created": "2026-11-25T08:00:00Z",
                    "started": "2026-11-25T08:00:00.1Z",
                    "ended": "2026-11-25T08:00:04Z",
                }
            ]
        }
    )

    id: int
    workspace: str
    model: str
    kind: str = Field(description="`push` or `github`.")
    branch: str
    commit: str
    state: State
    stage: str = Field(description="The last one that is done, empty before the first; where it failed, that one.")
    attempts: int
    version: int | None = Field(description="That it made; null before that.")
    deployment_id: str | None = Field(description="Of its last attempt.")
    error: str | None = Field(description="Why it failed, and what to do.")
    created: datetime
    started: datetime | None
    ended: datetime | None


class Jobs(BaseModel):
    jobs: list[JobView] = Field(description="The newest first.")
    unreadable: list[str] = Field(
        default_factory=list, description="Jobs that are left out: their rows in the registry are damaged; why."
    )


class JobLineView(BaseModel):
    number: int = Field(description="From 1.")
    moment: datetime
    text: str


class JobLog(BaseModel):
    """What a job said, from one line on."""

    state: State
    is_over: bool = Field(description="Whether more can follow.")
    lines: list[JobLineView]


class JobManagement(Protocol):
    """Does it. Every method may block, and raises Refusal."""

    def jobs(self, workspace: str, model: str | None, state: str | None, limit: int) -> Jobs: ...
    def job(self, number: int) -> JobView: ...
    def log(self, number: int, after: int, wait_s: float) -> JobLog: ...
    def cancel(self, number: int) -> JobView: ...


def jobs_router(management: JobManagement) -> APIRouter:
    """All operations."""
    router = APIRouter(prefix=f"{PREFIX}/jobs", tags=["jobs"], dependencies=[Depends(_declared)])

    @router.get("", responses=error_responses(401, 422))
    async def list_jobs(
        model: Annotated[str | None, Query(description="By default those of every model.")] = None,
        state: Annotated[State | None, Query(description="By default all.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_JOBS)] = 50,
        workspace: Annotated[str, Query(description="The models' workspace.")] = DEFAULT_WORKSPACE,
    ) -> Jobs:
        """The latest jobs, the newest first."""
        return await asyncio.to_thread(management.jobs, workspace, model, state, limit)

    @router.get("/{job}", responses=error_responses(401, 404))
    async def get_job(job: JobNumber) -> JobView:
        """One job."""
        return await asyncio.to_thread(management.job, job)

    @router.get("/{job}/log", responses=error_responses(401, 404, 422))
    async def get_log(
        job: JobNumber,
        after: Annotated[int, Query(ge=0, description="Only lines with a higher number.")] = 0,
        wait_s: Annotated[
            float, Query(ge=0, le=MOST_WAIT_S, description="Wait so long for a line, where there is none yet.")
        ] = 0.0,
    ) -> JobLog:
        """What it said. To follow it: ask again with the number of the last line until `is_over`."""
        return await asyncio.to_thread(management.log, job, after, wait_s)

    @router.post("/{job}/cancel", responses=error_responses(401, 404, 409, 503))
    async def cancel(job: JobNumber) -> JobView:
        """End a job that is queued or running. The version that was live still is."""
        return await asyncio.to_thread(management.cancel, job)

    return router
