"""Many executions that wait: for a delay, or for a result from outside."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.rates import CLIENTS
from benchmarks.service import running

_RESIDENT_MIB, _READY_SECONDS = 400, 2.0
_DEFINITION = """
version: '2.0'
w_delay:
  tasks:
    later:
      action: std.noop
      wait-before: 86400
w_asynchronous:
  tasks:
    outside:
      action: std.async_noop
"""


def measure(folder: Path, executions: int) -> list[Figure]:
    """Resident memory with so many waiting executions, half of each kind, and the restart of such a service."""
    with running(folder) as service:
        service.client.upload(_DEFINITION)
        names = ("w_delay", "w_asynchronous")
        with ThreadPoolExecutor(CLIENTS) as pool:
            began = time.perf_counter()
            for _ in pool.map(lambda at: service.client.start(names[at % 2]), range(executions)):
                pass
            starts = executions / (time.perf_counter() - began)
        resident = service.resident_mib
    with running(folder) as again:
        ready, resident_again = again.ready_seconds, again.resident_mib
    return [
        Figure(f"{executions:,} waiting: starts", starts, "executions/s"),
        Figure(f"{executions:,} waiting: resident memory", resident, "MiB", _RESIDENT_MIB, False),
        Figure(f"{executions:,} waiting: restart to first answer", ready, "s", _READY_SECONDS, False),
        Figure(f"{executions:,} waiting: resident memory after it", resident_again, "MiB", _RESIDENT_MIB, False),
    ]
