"""How the interpreter shares its time between threads, set for a service whose one thread decides for all."""

import gc
import sys

_SWITCH_SECONDS = 0.0005
_ALLOCATIONS = (50_000, 20, 50)


def tune_for_service() -> None:
    """Call once everything is loaded.

    The turn thread lets go of the interpreter at each statement to the database, and gets it back when another thread
    has used up its share: 5 ms by default, longer than a whole turn. What was loaded by now lives as long as the
    process: the garbage collector need not look at it again, nor as often at the rest, since executions are freed by
    their last reference. Measured: a third more tasks a second, and no pauses of 30 ms.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_ALLOCATIONS)
