"""The notifier: `python -m tidegate.processes.notifier` delivers alerts to the webhook of the settings."""

import asyncio
import contextlib
import signal
import sys

import structlog

from stream.delivery.config import DeliveryConfig
from stream.delivery.consumer import Delivery
from stream.delivery.webhook import WebhookError, WebhookTarget, webhook_target
from tidegate import monitor
from tidegate.logging import configure
from tidegate.parts.exit_codes import EXIT_SETTINGS
from tidegate.parts.monitor_ports import NOTIFIER_OFFSET
from tidegate.processes import all_is_loaded
from tidegate.settings import Settings
from tidegate.web_pages import local_pages

log = structlog.get_logger()


async def run(settings: Settings, target: WebhookTarget | None) -> int:
    """Until a signal (drain, then 0) or trouble (1: the supervisor starts another)."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    delivery = Delivery(DeliveryConfig(bootstrap=settings.bootstrap, layout=settings.topics, target=target))
    server = monitor.serve(
        settings.monitor_port + NOTIFIER_OFFSET,
        lambda: None if delivery.ready() else "the assignment of partitions",
        local_pages(settings),
    )
    try:
        await delivery.start()
        log.info("notifier.started", target="no webhook is set" if target is None else target.shown)
        trouble = await _watch(delivery, stopping)
        if trouble is None:
            drained = await delivery.drain(settings.stop_timeout_s * 0.7)
            log.info("notifier.drained" if drained else "notifier.not_drained")
        else:
            log.error("notifier.trouble", reason=trouble)
    finally:
        async with asyncio.timeout(settings.stop_timeout_s):
            await delivery.stop()
        await asyncio.to_thread(server.shutdown)
        server.server_close()
    return 0 if trouble is None else 1


async def _watch(delivery: Delivery, stopping: asyncio.Event) -> str | None:
    """Why it cannot go on; None when it was told to stop."""
    while not stopping.is_set():
        trouble = delivery.trouble()
        if trouble is not None:
            return trouble
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stopping.wait()
    return None


def main() -> int:
    all_is_loaded()
    settings = Settings()
    configure(settings.log_level)
    target = None
    if settings.webhook_url is not None and settings.webhook_url.get_secret_value():
        secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret is not None else None
        try:
            target = webhook_target(settings.webhook_url.get_secret_value(), secret or None)
        except WebhookError as error:
            log.error("notifier.misconfigured", reason=str(error))
            return EXIT_SETTINGS
    return asyncio.run(run(settings, target))


if __name__ == "__main__":
    sys.exit(main())
