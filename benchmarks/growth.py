"""Whether one large execution costs more for each of its tasks than a small one."""

import statistics

from benchmarks import workloads
from benchmarks.client import Client
from benchmarks.figures import Figure
from benchmarks.rates import run
from benchmarks.workloads import Workload

_SPREAD = 25.0
_ITEMS = (100, 1_000, 10_000)
_LENGTHS = (100, 1_000, 5_000)
_TASKS_OF_EACH_SIZE = 10_000
_LEAST_TIMES = 5


def measure(client: Client) -> list[Figure]:
    """The rates of one with-items task and of one chain by their size, and how far apart they lie."""
    client.upload(workloads.fan(name="g_fan"))
    items = [_rate(client, Workload("g_fan", "", 1, size, {"n": size})) for size in _ITEMS]
    lengths = []
    for size in _LENGTHS:
        client.upload(workloads.chain(size, name=f"g_chain_{size}"))
        lengths.append(_rate(client, Workload(f"g_chain_{size}", "", 1, size)))
    return [*_figures("with-items", _ITEMS, items), *_figures("chain", _LENGTHS, lengths)]


def _rate(client: Client, work: Workload) -> float:
    """Tasks a second of one execution at a time, the median of some; small ones are repeated more often."""
    times = max(_LEAST_TIMES, _TASKS_OF_EACH_SIZE // work.tasks)
    return statistics.median(run(client, work).tasks_a_second for _ in range(times))


def _figures(name: str, sizes: tuple[int, ...], rates: list[float]) -> list[Figure]:
    middle = (max(rates) + min(rates)) / 2
    spread = 100 * (max(rates) - middle) / middle
    found = [Figure(f"{name} of {size:,}", rate, "tasks/s") for size, rate in zip(sizes, rates, strict=True)]
    return [*found, Figure(f"{name}: rates within ±", spread, "%", _SPREAD, False)]
