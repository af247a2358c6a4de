"""What may happen to an execution. Each is a plain value: it can wait in a queue or in the database."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CronClaim:
    """A due trigger's firing: it counts only if ``next_execution_time`` still is ``expected``."""

    trigger_id: str
    expected: int
    next: int | None
    remaining: int | None


@dataclass(frozen=True, slots=True)
class StartExecution:
    """Start a workflow. Answers the WorkflowExecution record; an id that exists answers that one unchanged.

    ``workflow`` is a definition's id or name. Raises NotFoundError, InputError (input or params that do not
    fit). With ``claim``, answers None where another process was quicker. ``openstack`` is what expressions see under
    that name: who asked. ``is_new``: the id was made for this command, so nothing can have it already.
    """

    execution_id: str
    workflow: str
    namespace: str = ""
    input: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    project_id: str = ""
    claim: CronClaim | None = None
    openstack: dict[str, Any] | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class PauseExecution:
    """Pause an execution and all below and above it. Answers its record."""

    execution_id: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeExecution:
    """Go on with a paused execution, ``env`` merged into its environment first. Answers its record."""

    execution_id: str
    env: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StopExecution:
    """End an execution as SUCCESS, ERROR or CANCELLED (the last: its children too). Answers its record."""

    execution_id: str
    state: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateExecution:
    """Change the description or the environment of an execution. Answers its record."""

    execution_id: str
    description: str | None = None
    env: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DeleteExecution:
    """Remove an execution with all that belongs to it. ``force`` allows an unfinished one.

    Answers whether it is gone. With ``at_most``, about so many rows go, so that a large one takes several commands; one
    that has not ended is cancelled by the first of them.
    """

    execution_id: str
    force: bool = False
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class RerunTask:
    """Run a failed task again (``reset``: with all its items), or ``skip`` it. Answers its TaskExecution."""

    task_id: str
    reset: bool = True
    skip: bool = False
    env: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """The result of an action execution. Answers its ActionExecution record.

    Raises NotFoundError, NotAllowedError when it has a result already.
    """

    action_id: str
    data: Any = None
    error: Any = None
    is_error: bool = False
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class ActionLost:
    """Nobody seems to run an action any more: run it again where ``safe-rerun`` allows that, else fail it.

    ``silent_since`` (µs): only if it gave no sign of life from then on; and a call that nobody took in all that time
    fails too. None: what was under way when the only process ended. Answers nothing.
    """

    action_id: str
    reason: str
    silent_since: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Put an unfinished action execution into RUNNING or PAUSED. Answers its record."""

    action_id: str
    state: str


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run an action outside any workflow. Answers an ActionExecution record (in memory only unless saved).

    ``run_sync``: wait for the result; ``save_result``: keep the record.
    """

    name: str
    input: dict[str, Any] = field(default_factory=dict)
    namespace: str = ""
    description: str = ""
    project_id: str = ""
    run_sync: bool = False
    save_result: bool = False
    target: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteAction:
    """Remove a finished ad-hoc action execution."""

    action_id: str


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer's time has come."""

    timer_id: str
    execution_id: str
    command: dict[str, Any]
