"""References that deployments learned from their first events: the registry has none of them, ClickHouse has all."""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from storage.clickhouse.client import connect
from storage.clickhouse.queries import query
from stream.contracts.deployments import DeploymentRecord
from stream.profiles.packing import COMPRESSED

log = logging.getLogger("tidegate.prepare")


def with_references(dsn: str, database: str, records: Sequence[DeploymentRecord]) -> list[DeploymentRecord]:
    """The announcements, each with the profile that its deployment learned, where it did.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse does not answer, or refuses.
    """
    if not records:
        return []
    client = connect(dsn, database)
    try:
        asked = {"ids": [record.deployment_id for record in records]}
        found = client.query(query("past_references"), parameters=asked).named_results()
        learned = {str(row["deployment_id"]): row for row in found}
    finally:
        client.close()
    return [_with_reference(record, learned.get(record.deployment_id)) for record in records]


def _with_reference(record: DeploymentRecord, row: dict[str, Any] | None) -> DeploymentRecord:
    if row is None:
        return record
    # Loaded here, with its arrays: most starts have no such record.
    from stream.profiles.codec import unpack_profile  # noqa: PLC0415

    try:
        text = str(row["profile"])
        content = text if text.startswith(COMPRESSED) else msgspec.json.decode(text)
        unpack_profile(content)
    except ValueError as error:  # it is learned again, from the next events
        log.error("the reference that %s learned cannot be read back: %s", record.deployment_id, error)
        return record
    return msgspec.structs.replace(record, action="baseline", profile=content, profile_id=row["profile_id"])
