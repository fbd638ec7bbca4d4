"""What jobs leave in the staging folder."""

import shutil
from pathlib import Path

from storage.registry import Job


def remove_files(job: Job, staging: Path) -> None:
    """What a job that is over leaves in the staging folder."""
    folder = Path(job.source.get("folder") or staging / f"job-{job.id}")
    if folder.parent == staging:
        shutil.rmtree(folder, ignore_errors=True)
