"""Writes the tables of docs/operations.md that follow from the code: settings, topics, Prometheus metrics.

    .venv/bin/python tools/docs_tables.py

Each table stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. tests/unit/test_docs_settings.py fails where
a table is not what the code says.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo

import gateway.prometheus
import storage.sink.prometheus
import stream.prometheus
import tidegate.deployer.jobs.prometheus
import web.prometheus
import web.watched
from stream.contracts.topics import HOUR_MS, TopicLayout, TopicSpec
from tidegate.settings import Settings

OPERATIONS = Path(__file__).resolve().parent.parent / "docs" / "operations.md"
METRIC_MODULES: dict[str, ModuleType] = {
    "gateway": gateway.prometheus,
    "gateway, ClickHouse": web.prometheus,
    "stream worker, notifier": stream.prometheus,
    "sink": storage.sink.prometheus,
    "deployer": tidegate.deployer.jobs.prometheus,
    "every process": web.watched,
}


def tables() -> dict[str, str]:
    """Each table as Markdown, by its name."""
    return {"settings": settings_table(), "topics": topics_table(), "metrics": metrics_table()}


def filled(text: str) -> str:
    """The page with its tables as they should be.

    Raises:
        ValueError: a table's markers are not in it, each once.
    """
    for name, table in tables().items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"the page needs {begin} and {end}, each once")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def settings_table() -> str:
    rows = [_setting(name, described) for name, described in Settings.model_fields.items()]
    return _table(("variable", "default", "meaning"), rows)


def topics_table() -> str:
    """As the default layout makes them."""
    return _table(("topic", "partitions", "cleanup", "kept"), map(_topic, TopicLayout().specs()))


def metrics_table() -> str:
    rows = [
        _metric(process, metric)
        for process, module in METRIC_MODULES.items()
        for metric in vars(module).values()
        if isinstance(metric, MetricWrapperBase)
    ]
    return _table(("process", "metric", "labels", "meaning"), rows)


def _setting(name: str, described: FieldInfo) -> tuple[str, ...]:
    default = described.default
    shown = "" if default is None else '`""`' if default == "" else f"`{default}`"
    return f"`TIDEGATE_{name.upper()}`", shown, described.description or ""


def _topic(spec: TopicSpec) -> tuple[str, ...]:
    kept = spec.config.get("retention.ms")
    hours = "for ever" if kept is None else f"{int(kept) // HOUR_MS} h"
    return f"`{spec.name}`", str(spec.partitions), spec.config["cleanup.policy"], hours


def _metric(process: str, metric: MetricWrapperBase) -> tuple[str, ...]:
    (family,) = metric.describe()
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)
    return process, f"`{name}`", labels, family.documentation


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    OPERATIONS.write_text(filled(OPERATIONS.read_text("utf-8")), "utf-8")
