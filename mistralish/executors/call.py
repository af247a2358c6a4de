"""What travels to an executor."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


class Load(NamedTuple):
    """How much an executor has to do: calls begun since its start, calls that wait for a thread, calls that were taken
    and have not ended, and threads held by calls that nobody waits for any more."""

    begun: int
    queued: int
    in_flight: int
    stuck: int


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One call of a system action. Every field is JSON-compatible, so that it can go to another machine.

    ``action`` is the system action's name; ``context`` holds the fields of ActionContext that are known.
    ``timeout`` is in seconds from the start of the run, None for no end. ``target`` names the executors that may
    run it. ``safe_rerun`` tells whether it may be run again when nobody knows if it ran.
    """

    action_execution_id: str | None
    action: str
    input: Mapping[str, Any] = field(default_factory=dict, repr=False)
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    target: str | None = None
    timeout: float | None = None
    safe_rerun: bool = False

    def to_json(self) -> dict[str, Any]:
        """The call as JSON-compatible data."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ActionCall":
        """The call that ``to_json`` made ``data`` of."""
        return cls(**data)
