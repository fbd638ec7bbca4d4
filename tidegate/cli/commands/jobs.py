"""`tidegate jobs` and `tidegate cancel`: what the deployer did, does and has before it."""

from dataclasses import asdict
from typing import Any

from storage.registry import Job, UnknownJobError, get_job, lines_of, list_jobs
from tidegate.cli.context import load_settings, open_registry, require_running
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json, print_list, print_table, rows_left_out, tell_unreadable

SHOWN = ("id", "workspace", "model", "kind", "branch", "commit", "state", "stage", "attempts", "deployment_id", "error")
"""Of a job, beside its moments; its source holds paths of this machine."""


def jobs(model: str | None, *, log: int | None, as_json: bool) -> None:
    if log is not None:
        _show_log(log, as_json)
        return
    with open_registry(load_settings()) as database:
        unreadable = rows_left_out()
        found = [_values(job) for job in list_jobs(database, model, unreadable=unreadable)]
    tell_unreadable(unreadable, "Push or deploy again if it did not go live.")
    if as_json:
        print_list("jobs", found, unreadable)
    elif not found and not unreadable:
        console().print("No job yet: `git push` to a model's repository makes one.")
    else:
        print_table(
            ["#job", "model", "state", "kind", "branch", "commit", "#seconds", "stage", "error"],
            [
                (
                    row["id"],
                    row["model"],
                    row["state"],
                    row["kind"],
                    row["branch"],
                    row["commit"][:10],
                    row["seconds"] if row["seconds"] is not None else "-",
                    row["stage"] or "-",
                    (row["error"] or "").splitlines()[0] if row["error"] else "",
                )
                for row in found
            ],
        )


def cancel(number: int, *, as_json: bool) -> None:
    settings = load_settings()
    require_running(settings)
    # Loaded here: it brings nothing that `tidegate jobs` needs.
    from gateway.deployer.client import DeployerAwayError, ask  # noqa: PLC0415
    from gateway.deployer.protocol import Cancel, Ended, Refused  # noqa: PLC0415
    from tidegate.sockets import deployer_socket  # noqa: PLC0415

    try:
        answer = next(iter(ask(deployer_socket(settings.run_path), Cancel(number), patience_s=5.0)), None)
    except DeployerAwayError as error:
        raise CliError(f"The job was not cancelled: {error}.") from error
    if isinstance(answer, Refused):
        raise CliError(answer.reason, Exit.UNKNOWN if "no job" in answer.reason else Exit.FAILED)
    if not isinstance(answer, Ended):
        raise CliError("The deployer ended before it answered: see `tidegate jobs`.")
    if as_json:
        print_json({"job": answer.job, "state": answer.state})
    else:
        console().print(f"Job {answer.job} is {answer.state}. The version that was live still is.")


def _show_log(number: int, as_json: bool) -> None:
    with open_registry(load_settings()) as database:
        try:
            job, lines = get_job(database, number), lines_of(database, number)
        except UnknownJobError as error:
            raise CliError(f"There is no job {number}: see `tidegate jobs`.", Exit.UNKNOWN) from error
    if as_json:
        print_json({**_values(job), "log": [asdict(line) for line in lines]})
        return
    out = console()
    for line in lines:
        moment = f"{line.moment.astimezone():%H:%M:%S}" if line.text else ""
        out.print(f"{moment:<10}{line.text}", highlight=False, markup=False)


def _values(job: Job) -> dict[str, Any]:
    moments = {name: getattr(job, name) for name in ("created", "started", "ended")}
    seconds = round((job.ended - job.started).total_seconds(), 2) if job.ended and job.started else None
    return {
        **{name: getattr(job, name) for name in SHOWN},
        "version": (job.prepared or {}).get("version"),
        "seconds": seconds,
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }
