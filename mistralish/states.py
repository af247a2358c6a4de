"""The states of executions, and which may follow which.

Source: the language reference, "Workflow, task and action states".
"""

IDLE = "IDLE"
WAITING = "WAITING"
RUNNING = "RUNNING"
DELAYED = "DELAYED"
PAUSED = "PAUSED"
SUCCESS = "SUCCESS"
CANCELLED = "CANCELLED"
ERROR = "ERROR"
SKIPPED = "SKIPPED"

ALL = (IDLE, WAITING, RUNNING, DELAYED, PAUSED, SUCCESS, CANCELLED, ERROR, SKIPPED)
COMPLETED = frozenset((SUCCESS, ERROR, CANCELLED, SKIPPED))

_NEXT: dict[str, frozenset[str]] = {
    IDLE: frozenset((RUNNING, ERROR, CANCELLED)),
    WAITING: frozenset((RUNNING,)),
    RUNNING: frozenset((PAUSED, DELAYED, SUCCESS, ERROR, CANCELLED)),
    DELAYED: frozenset((RUNNING, ERROR, CANCELLED)),
    PAUSED: frozenset((RUNNING, ERROR, CANCELLED)),
    SUCCESS: frozenset(),
    CANCELLED: frozenset((RUNNING,)),
    ERROR: frozenset((RUNNING, SKIPPED)),
    SKIPPED: frozenset(),
}


def is_completed(state: str) -> bool:
    """Whether nothing more happens to an execution in this state unless someone reruns it."""
    return state in COMPLETED


def may_follow(current: str, new: str) -> bool:
    """Whether an execution in state ``current`` may be put into state ``new``."""
    return current == new or new in _NEXT.get(current, ())
