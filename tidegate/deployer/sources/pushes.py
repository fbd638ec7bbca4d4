"""Jobs of the git remote: the hook has exported the files already, and tells its client all there is to tell."""

from storage.registry import Job
from tidegate.deployer.jobs.origin import Files


class PushOrigin:
    """An Origin."""

    async def files(self, job: Job) -> Files:
        return Files(job.source["folder"], job.source["received_s"], job.source["url"])

    async def confirm(self, job: Job) -> None:
        """Git has the commit: that is asked before."""

    async def began(self, job: Job) -> None:
        """The client that pushed follows the lines."""

    async def ended(self, job: Job) -> None:
        """The same."""
