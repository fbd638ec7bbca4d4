"""`python -m tidegate.processes.prepare`: what must be there before the others start. Safe to run again.

Migrates the registry and ClickHouse, creates the topics, and publishes what is live: the embedded broker forgets that
when it stops. A reference that was learned stands in ClickHouse alone, so ClickHouse comes first.
"""

import logging
import sys
from datetime import UTC, datetime

from clickhouse_connect.driver.exceptions import ClickHouseError

from storage.registry import Database
from tidegate.backends.migrating import MigrateError, migrate_clickhouse, migrate_registry
from tidegate.backends.topics import TopicsError, TopicStatus, ensure_topics
from tidegate.parts.exit_codes import EXIT_SETTINGS
from tidegate.processes import all_is_loaded
from tidegate.rollout.announcing import AT_START, Announcer
from tidegate.rollout.learned import with_references
from tidegate.rollout.publishing import PublishError, publish, records_of_live
from tidegate.settings import Settings

log = logging.getLogger("tidegate.prepare")


def main() -> int:
    """0 when all is there, 2 when the settings name something that cannot be used."""
    all_is_loaded()
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        _prepare(settings)
    except (TopicsError, PublishError, MigrateError, ClickHouseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    return 0


def _prepare(settings: Settings) -> None:
    migrate_registry(settings)
    for report in ensure_topics(settings.bootstrap, settings.topics):
        level = logging.WARNING if report.outcome is TopicStatus.DIFFERENT else logging.INFO
        log.log(level, "topic %s: %s %s", report.name, report.outcome, "; ".join(report.details))
    patience_s = settings.start_timeout_s if settings.clickhouse_url is None else 0.0
    log.info("ClickHouse migrations applied: %s", migrate_clickhouse(settings, patience_s) or "none, all are there")
    log.info("%d deployments published", _publish_live(settings))


def _publish_live(settings: Settings) -> int:
    database = Database(settings.database_dsn)
    try:
        now = datetime.now(UTC)
        records = records_of_live(database, now)
        learning = [record for record in records if record.profile is None]
        learned = with_references(settings.clickhouse_dsn, settings.clickhouse_database, learning)
        known = [record for record in records if record.profile is not None]
        published = publish(settings.bootstrap, settings.topics, [*known, *learned])
        if settings.kafka_bootstrap is not None:  # a broker that keeps topics may have missed endings
            Announcer(database, settings.bootstrap, settings.topics).catch_up(now, AT_START)
        return published
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
