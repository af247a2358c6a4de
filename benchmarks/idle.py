"""What a service costs that has nothing to do."""

import time

from benchmarks.figures import Figure
from benchmarks.service import Service

_READY_SECONDS, _RESIDENT_MIB, _PERCENT_OF_A_CORE = 1.5, 120, 1.0


def measure(service: Service, seconds: float = 20) -> list[Figure]:
    """The time to the first answer, memory, and processor time, of a service that was just started."""
    before = service.cpu_seconds
    time.sleep(seconds)
    used = 100 * (service.cpu_seconds - before) / seconds
    return [
        Figure("from command to first answer", service.ready_seconds, "s", _READY_SECONDS, False),
        Figure("idle: resident memory", service.resident_mib, "MiB", _RESIDENT_MIB, False),
        Figure("idle: of a core", used, "%", _PERCENT_OF_A_CORE, False),
    ]
