"""What a report about an action execution means, whether the action belongs to a workflow or to none."""

from typing import Protocol

from mistralish import states
from mistralish.actions import Result
from mistralish.errors import InputError
from mistralish.records import ActionExecution


class Report(Protocol):
    """The end of an action as a caller or an executor tells it."""

    @property
    def data(self) -> object: ...
    @property
    def error(self) -> object: ...
    @property
    def is_error(self) -> bool: ...
    @property
    def cancel(self) -> bool: ...


def outcome(action: ActionExecution, report: Report) -> tuple[str, Result]:
    """The state in which ``action`` ends, and with what. Raises InputError where it has ended already."""
    if action.state in states.COMPLETED:
        raise InputError(f"Action {action.id} is already completed: its state is {action.state}")
    state = states.CANCELLED if report.cancel else states.ERROR if report.is_error else states.SUCCESS
    error = report.error if report.is_error or report.cancel else None
    return state, Result(report.data, error, report.cancel)


def check_new_state(action: ActionExecution, state: str) -> None:
    """Raise InputError where an unfinished ``action`` may not be put into ``state``."""
    if state == states.PAUSED and action.is_sync:
        raise InputError("Transition to the PAUSED state is only supported for asynchronous action execution.")
    if not states.may_follow(action.state, state):
        raise InputError(f"Invalid state transition from {action.state} to {state}.")
