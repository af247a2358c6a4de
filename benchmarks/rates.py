"""How many tasks a second, and how soon a start is answered."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from benchmarks import workloads
from benchmarks.client import Client
from benchmarks.figures import Figure
from benchmarks.workloads import Workload

CLIENTS = 8
RATE = "tasks/s"
TARGETS = {"b_chain": 2000, "b_data": 1500, "b_fan": 2500, "b_join": 1500, "b_sub": 1000}
_THREADED = {"b_threaded_chain": "b_chain", "b_threaded_fan": "b_fan"}
_START_MEDIAN_MS, _START_WORST_MS = 15, 100
_WORKLOADS = (workloads.CHAIN, workloads.DATA, workloads.FAN, workloads.JOIN, workloads.SUB)
_ROUNDS, _PARTS = 7, 5


@dataclass(frozen=True)
class Run:
    """One measured workload: its rate, and each start's latency in milliseconds."""

    tasks_a_second: float
    starts_ms: list[float]


def run(client: Client, work: Workload) -> Run:
    """Start all executions of ``work`` from eight clients; the clock stops when the last has succeeded."""
    latencies: list[float] = []

    def start(_: int) -> str:
        began = time.perf_counter()
        identifier = client.start(work.name, work.given)
        latencies.append(1e3 * (time.perf_counter() - began))
        return identifier

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        identifiers = list(pool.map(start, range(work.executions)))
    client.wait(identifiers)
    return Run(work.executions * work.tasks / (time.perf_counter() - began), latencies)


def compare(client: Client, other: Client, scale: int) -> dict[str, float]:
    """By workload, the rate of ``other`` as a multiple of ``client``'s.

    They take turns, so that a machine whose speed changes changes it for both.
    """
    found = {}
    for each in (client, other):
        measure(each, 1)  # what is compiled once is not measured
    for work in _WORKLOADS:
        part = replace(work, executions=work.executions * max(1, scale // _PARTS))
        pairs = [[run(each, part).tasks_a_second for each in (client, other)] for _ in range(_ROUNDS)]
        one, another = map(statistics.median, zip(*pairs, strict=True))
        found[work.name] = another / one
    return found


def measure(client: Client, scale: int) -> tuple[list[Figure], dict[str, float]]:
    """The rates of the five workloads and start latency; and the rates alone, by workload."""
    figures, found = [], {}
    for work in _WORKLOADS:
        client.upload(work.definition)
        result = run(client, replace(work, executions=work.executions * scale))
        rate = found[work.name] = result.tasks_a_second
        figures.append(Figure(work.name[2:], rate, RATE, TARGETS[work.name]))
        if work is workloads.CHAIN:
            median, worst = statistics.median(result.starts_ms), max(result.starts_ms)
            figures.append(Figure("start latency, median of 8 clients", median, "ms", _START_MEDIAN_MS, False))
            figures.append(Figure("start latency, worst", worst, "ms", _START_WORST_MS, False))
    return figures, found


def measure_threaded(client: Client, scale: int) -> list[Figure]:
    """The rates of a plug-in's action that runs in the thread pool: half of the targets for the built-in ones."""
    figures = []
    for work in (workloads.THREADED_CHAIN, workloads.THREADED_FAN):
        client.upload(work.definition)
        result = run(client, replace(work, executions=work.executions * scale))
        target = TARGETS[_THREADED[work.name]] / 2
        figures.append(
            Figure(f"{work.name[2:].replace('_', ' ')}, a plug-in's action", result.tasks_a_second, RATE, target)
        )
    return figures
