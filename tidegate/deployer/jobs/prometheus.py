"""What the deployer counts."""

from prometheus_client import Counter, Gauge, Histogram

JOBS = Counter("tidegate_jobs", "Deployment jobs that are over", ["kind", "state"])
JOB_SECONDS = Histogram(
    "tidegate_job_seconds",
    "Time of a deployment job from its start to its end",
    ["kind"],
    buckets=(0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600),
)
JOB_RETRIES = Counter("tidegate_job_retries", "Attempts of a job that failed and are repeated", ["kind"])
JOBS_UNFINISHED = Gauge("tidegate_jobs_unfinished", "Jobs that wait or run", ["state"])
CLEANED = Counter(
    "tidegate_cleaned", "What nobody needed any more and was removed: leftover, lfs_object, job", ["kind"]
)
