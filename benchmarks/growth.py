"""Whether one large execution costs more for each of its tasks than a small one."""

import statistics
import time

from benchmarks import workloads
from benchmarks.client import Client
from benchmarks.figures import Figure
from benchmarks.workloads import Workload

_SPREAD = 25.0
_ITEMS = (100, 1_000, 10_000)
_LENGTHS = (100, 1_000, 5_000)
_ROUNDS = 5
_TASKS_OF_EACH_SIZE = 2_000


def measure(client: Client) -> list[Figure]:
    """The rates of one with-items task and of one chain by their size, and how far apart they lie."""
    client.upload(workloads.fan(name="g_fan"))
    items = [Workload("g_fan", "", 1, size, {"n": size}) for size in _ITEMS]
    lengths = [Workload(f"g_chain_{size}", workloads.chain(size, name=f"g_chain_{size}"), 1, size) for size in _LENGTHS]
    for work in lengths:
        client.upload(work.definition)
    return [*_figures("with-items", _rates(client, items)), *_figures("chain", _rates(client, lengths))]


def _rates(client: Client, works: list[Workload]) -> dict[int, float]:
    """Tasks a second of one execution at a time, by its size: medians, small ones being repeated more often.

    The sizes take turns, so that a machine whose speed changes changes it for all of them.
    """
    seconds: dict[int, list[float]] = {work.tasks: [] for work in works}
    for _ in range(_ROUNDS):
        for work in works:
            seconds[work.tasks] += [_run(client, work) for _ in range(max(1, _TASKS_OF_EACH_SIZE // work.tasks))]
    return {size: size / statistics.median(taken) for size, taken in seconds.items()}


def _run(client: Client, work: Workload) -> float:
    """Seconds from the start of one execution to its end, for one client that keeps its connection."""
    began = time.perf_counter()
    client.wait([client.start(work.name, work.given)])
    return time.perf_counter() - began


def _figures(name: str, rates: dict[int, float]) -> list[Figure]:
    middle = (max(rates.values()) + min(rates.values())) / 2
    spread = 100 * (max(rates.values()) - middle) / middle
    found = [Figure(f"{name} of {size:,}", rate, "tasks/s") for size, rate in rates.items()]
    return [*found, Figure(f"{name}: rates within ±", spread, "%", _SPREAD, False)]
