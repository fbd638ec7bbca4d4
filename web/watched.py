"""model_runner/watched.py with its count, for processes with metrics, and for packages that do not see the runner's."""

from prometheus_client import Counter

from model_runner.watched import awaited, begin, begin_thread, cancelled, died, keep, keep_thread, on_death, trouble

__all__ = ["DEATHS", "awaited", "begin", "begin_thread", "cancelled", "died", "keep", "keep_thread", "trouble"]

# Of what is to live as long as the process, a death means that it was started again.
DEATHS = Counter(
    "tidegate_background_deaths_total", "Tasks and threads of the process that raised what nobody expected", ("name",)
)
on_death.append(lambda name: DEATHS.labels(name).inc())
