"""What a decision asks of the world. Plain values; the turn loop carries them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mistralish.engine.run import Run
    from mistralish.records import ActionExecution


@dataclass(frozen=True, slots=True)
class RunActionEffect:
    """Run an action, now that its record is (about to be) kept. ``input`` is the system action's."""

    record: "ActionExecution"
    action: str
    input: Mapping[str, Any]
    context: dict[str, Any]
    inline: bool
    safe_rerun: bool
    target: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class StartChild:
    """A child execution was made; ``Begin`` is to be decided for it."""

    run: "Run"


@dataclass(frozen=True, slots=True)
class Tell:
    """Decide ``command`` for another execution of the same tree, in this turn."""

    execution_id: str
    command: Any


@dataclass(frozen=True, slots=True)
class ArmTimer:
    """Decide ``command`` for this execution at ``due_at`` (µs)."""

    timer_id: str
    due_at: int
    execution_id: str
    command: Any


@dataclass(frozen=True, slots=True)
class DisarmTimer:
    """Forget a timer: what it was to do has become pointless."""

    timer_id: str


@dataclass(frozen=True, slots=True)
class SetAccepted:
    """Mark a child execution's result as counting, or no longer counting, for its task."""

    execution_id: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the publishers named in an execution's ``notify`` parameter of an event.

    ``root_id`` is the tree's: what happens in one is told in order. ``event`` None: a state that has no event.
    """

    root_id: str
    publishers: list[dict[str, Any]]
    event: str | None
    data: dict[str, Any]
