"""`python -m tidegate.processes.job_worker`: does the work of jobs, as the deployer orders it on stdin."""

import sys

from tidegate.deployer.jobs.worker import main
from tidegate.processes import all_is_loaded

if __name__ == "__main__":
    all_is_loaded()
    sys.exit(main())
