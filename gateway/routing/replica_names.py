"""What the runners of one deployment are called: their sockets, logs and entries in `tidegate status`."""


def replica_name(deployment_id: str, number: int) -> str:
    """One of a deployment's runners, numbered from 0; the first has the deployment's own name."""
    return f"{deployment_id}.{number}" if number else deployment_id
