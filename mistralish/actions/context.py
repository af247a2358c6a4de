"""What an action may know about where it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

_MOMENT = 1.0
"""So that it is the timeout that ends the action for the caller, and not the action itself."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The executions that an action runs for; None for those that do not exist (an action run on its own).

    ``callback_url`` is the path, below the service's address, that takes an asynchronous action's result.
    ``timeout``: seconds after which nobody waits for the action any more, None for no end.
    ``security`` says on whose behalf (``project_id``, ``user_name``, ``auth_token``, …); it is never logged.
    """

    action_execution_id: str | None = None
    workflow_execution_id: str | None = None
    task_execution_id: str | None = None
    workflow_name: str | None = None
    callback_url: str | None = None
    with_items_index: int = 0
    timeout: float | None = None
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def seconds(self, most: float) -> float:
        """How long the action may take: a moment longer than it is waited for, and at most so many seconds."""
        return most if self.timeout is None else min(most, self.timeout + _MOMENT)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], action_execution_id: str | None = None) -> "ActionContext":
        """Make a context from an action call's ``context``; names that it does not know are left out."""
        known = {name: values[name] for name in _FIELDS if name in values}
        identifier = known.setdefault("action_execution_id", action_execution_id)
        if identifier is not None:
            known.setdefault("callback_url", f"/v2/action_executions/{identifier}")
        return cls(**known)


_FIELDS = tuple(item.name for item in fields(ActionContext))
