"""What a supervisor that was killed left of the models that were being checked: nobody else knows of it."""

import logging
import shutil
from pathlib import Path

from storage.registry import Database, UnknownDeploymentError, get_deployment
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.sockets import runner_socket
from tidegate.supervisor.logs import log_path, remove_log
from tidegate.supervisor.plan import SPARE_PREFIX

log = logging.getLogger("tidegate.supervisor")


def remove_left(folder: Path, run_path: Path, logs: Path, dsn: str) -> None:
    """Call it before there are any new ones. The logs of those that became a deployment are the deployment's, and stay.

    Args:
        folder: holds the files of each, by its name, or what names one whose files a spare process has.
        dsn: of the registry.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    database = Database(dsn)
    try:
        for name in names:
            shutil.rmtree(runner_socket(run_path, name).parent, ignore_errors=True)
            if name.startswith(SPARE_PREFIX):
                remove_log(log_path(logs, name))
            elif _is_no_deployment(database, name):
                remove_log(log_path(logs, f"{RUNNER_PREFIX}{name}"))
                log.info("removed what was left of %s, which was being checked", name)
    finally:
        database.close()
    shutil.rmtree(folder, ignore_errors=True)


def _is_no_deployment(database: Database, name: str) -> bool:
    """False where the registry cannot tell: a log goes by its age too."""
    try:
        get_deployment(database, name)
    except UnknownDeploymentError:
        return True
    except Exception as error:  # whatever a row of the registry holds, or a driver says
        log.warning("the log of %s stays: %s: %s", name, type(error).__name__, error)
    return False
