"""The numbers that are kept anyway, put into Prometheus's terms when it asks for them.

Labels have few values (routes, methods, states): no names, ids or projects, so that the number of time series is
bounded and tells nothing about tenants.
"""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

import mistralish
from mistralish.engine import Engine
from mistralish.scheduler import Scheduler
from mistralish.store import Store
from mistralish.tallies import Histogram, RequestTally

_STATES = {"execution": "Executions", "task": "Tasks", "action": "Actions of tasks"}


class Measured(Protocol):
    """The parts that count."""

    @property
    def store(self) -> Store:
        """Where everything is kept."""

    @property
    def engine(self) -> Engine:
        """What decides."""

    @property
    def scheduler(self) -> Scheduler:
        """What looks for what is due."""


def exposition(service: Measured, requests: RequestTally) -> bytes:
    """The present numbers in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Parts(service, requests))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Parts(Collector):
    def __init__(self, service: Measured, requests: RequestTally) -> None:
        self._service = service
        self._requests = requests

    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", "The version that runs.", 1, version=mistralish.__version__)
        yield from _of_requests(self._requests)
        yield from _of_engine(self._service.engine)
        yield from _of_executor(self._service.engine)
        yield from _of_scheduler(self._service.scheduler)
        failures = self._service.store.failures
        yield _counter("database_errors", "Times that the database could not do what it was asked.", failures)


def _of_requests(requests: RequestTally) -> Iterator[Metric]:
    counts = CounterMetricFamily(
        "mistralish_http_requests", "Requests that were answered.", labels=("route", "method", "status")
    )
    for (route, method, status), count in list(requests.statuses.items()):
        counts.add_metric((route, method, str(status)), count)
    yield counts
    seconds = HistogramMetricFamily(
        "mistralish_http_request_duration_seconds", "Time to answer a request.", labels=("route", "method")
    )
    for labels, histogram in list(requests.seconds.items()):
        seconds.add_metric(labels, _buckets(histogram), histogram.total)
    yield seconds


def _of_engine(engine: Engine) -> Iterator[Metric]:
    tally = engine.tally
    yield _histogram("engine_turn_duration_seconds", "Time to decide and commit a turn.", tally.turns)
    yield _histogram("engine_commit_duration_seconds", "Time to write and commit a turn.", tally.commits)
    yield _counter("engine_commands", "Commands that were decided.", tally.commands)
    yield _gauge("engine_waiting_commands", "Commands that wait for a turn.", engine.waiting)
    yield _gauge("engine_cached_executions", "Executions that are kept in memory.", engine.cached_runs)
    changes = list(tally.changes.items())
    for kind, what in _STATES.items():
        family = CounterMetricFamily(
            f"mistralish_{kind}_states", f"{what}: times that one went into a state.", labels=("state",)
        )
        for (changed, state), count in changes:
            if changed == kind:
                family.add_metric((state,), count)
        yield family


def _of_executor(engine: Engine) -> Iterator[Metric]:
    load = engine.executor_load
    yield _counter("executor_calls", "Actions that a thread of this process has begun to run.", load.begun)
    yield _gauge("executor_queued_calls", "Actions that wait for a thread.", load.queued)
    yield _gauge("executor_calls_in_flight", "Actions that wait, are delayed, or run.", load.in_flight)
    yield _gauge("executor_stuck_threads", "Threads whose action has timed out and goes on unheard.", load.stuck)


def _of_scheduler(scheduler: Scheduler) -> Iterator[Metric]:
    tally = scheduler.tally
    yield _histogram("scheduler_timer_lag_seconds", "How late timers were handed to the engine.", tally.timers)
    yield _histogram("scheduler_cron_lag_seconds", "How late cron triggers fired.", tally.cron)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"mistralish_{name}", about, value=value)


def _gauge(name: str, about: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(f"mistralish_{name}", about, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _histogram(name: str, about: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(f"mistralish_{name}", about, buckets=_buckets(histogram), sum_value=histogram.total)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Upper bounds with how many values were at or below them: Prometheus counts from the beginning each time."""
    found, count = [], 0
    for bound, more in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        count += more
        found.append(("+Inf" if bound == float("inf") else str(bound), float(count)))
    return found
