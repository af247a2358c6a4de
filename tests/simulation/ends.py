"""What is looked at when a history is over."""

from collections.abc import Callable
from typing import Any

from simulation.cases import PLACE
from simulation.ledger import Ledger
from simulation.places import place_of
from simulation.service import Process

from mistralish import states
from mistralish.engine import _STOPPED as STOPPED
from mistralish.records import ActionExecution

Outcome = tuple[str, Any]

_LOST = ("lost", STOPPED)
_KINDS = {states.SUCCESS: "ok", states.ERROR: "error", states.CANCELLED: "cancel"}


def check_rows(process: Process, ledger: Ledger, root_id: str) -> None:
    """Raise AssertionError where the database has not what it was given."""
    with process.store.turn([root_id]) as turn:
        for execution in ledger.executions.values():
            stored = turn.load_run(execution.id)
            assert stored is not None
            assert (stored.execution.state, stored.execution.output) == (execution.state, execution.output)
            assert {t.id: t.state for t in stored.tasks} == {
                t.id: t.state for t in ledger.tasks.values() if t.workflow_execution_id == execution.id
            }


def imposed_outcomes(ledger: Ledger, meant: Callable[[str], Outcome]) -> dict[PLACE, Outcome]:
    """How each action of the simulation ended, by its place. ``meant``: how it was to end, by its id."""
    return {
        place_of(ledger, action): _ending(ledger, action, meant(action.id))
        for action in ledger.actions.values()
        if action.name.startswith("sim.")
    }


def is_lost_too_late(ledger: Ledger, action: ActionExecution) -> bool:
    """Whether an action was found lost only after its task had given up on it."""
    said = ledger.tasks[str(action.task_execution_id)].state_info or ""
    return (action.output or {}).get("result") in _LOST and said.startswith("Task timed out")


def _ending(ledger: Ledger, action: ActionExecution, meant: Outcome) -> Outcome:
    kind = _KINDS.get(action.state, "never")
    if is_lost_too_late(ledger, action):
        return "never", None
    if action.output:
        return kind, action.output.get("result")
    # Without "keep-result" only the task says what came of it.
    said = ledger.tasks[str(action.task_execution_id)].state_info
    if said in _LOST:
        return kind, said
    return meant if meant[0] == kind else (kind, "lost")
