"""The commands that executions of one tree give each other and themselves; users never see them."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Admit:
    """The execution that was just made is under way; ``Begin`` comes later."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start the first tasks of an execution that has none."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """An action of this execution has ended."""

    action_id: str
    data: Any = None
    error: Any = None
    is_error: bool = False
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class ActionState:
    """An unfinished action of this execution was put into another state from outside."""

    action_id: str
    state: str


@dataclass(frozen=True, slots=True)
class RunAgain:
    """An action of this execution was lost on its way, and may be run again."""

    action_id: str


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """A child execution has ended."""

    task_id: str
    child_id: str
    state: str
    state_info: str | None
    output: Any


@dataclass(frozen=True, slots=True)
class ChildChanged:
    """A child execution was paused or goes on; ``by_parent``: because we have told it to."""

    task_id: str
    child_id: str
    state: str
    by_parent: bool = False


@dataclass(frozen=True, slots=True)
class ChildRerun:
    """A task below a child execution is run again: the child runs again, and so do we."""

    task_id: str
    child_id: str


@dataclass(frozen=True, slots=True)
class ContinueTask:
    """A task's wait is over: run it."""

    task_id: str


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """A task's wait after its end is over."""

    task_id: str
    state: str
    state_info: str | None


@dataclass(frozen=True, slots=True)
class TimeOutTask:
    """A task's time is up."""

    task_id: str
    timeout: float


@dataclass(frozen=True, slots=True)
class RefreshJoin:
    """See whether a join may start."""

    task_id: str


@dataclass(frozen=True, slots=True)
class DispatchItems:
    """Start the next portion of a with-items task."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause, told by the parent."""

    message: Any = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on, told by the parent."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End, told by the parent."""

    state: str
    message: Any = None


_STEPS = {
    cls.__name__: cls
    for cls in (
        Admit, Begin, ActionResult, ActionState, RunAgain, ChildEnded, ChildChanged, ChildRerun, ContinueTask,
        CompleteTask, TimeOutTask, RefreshJoin, DispatchItems, Pause, Resume, Stop,
    )
}  # fmt: skip


def to_json(step: Any) -> dict[str, Any]:
    """A step as JSON-compatible data, for a timer or a message."""
    values = {f.name: getattr(step, f.name) for f in fields(step)}
    return {"step": type(step).__name__, **values}


def from_json(data: dict[str, Any]) -> Any:
    """The step that ``to_json`` made ``data`` of."""
    values = dict(data)
    return _STEPS[values.pop("step")](**values)
