"""Where things are in a tree of executions, in words that do not depend on ids or on the order of things."""

from simulation.cases import PLACE
from simulation.ledger import Ledger

from mistralish.records import ActionExecution, TaskExecution


def place_of(ledger: Ledger, action: ActionExecution) -> PLACE:
    """Where an action is."""
    task = ledger.tasks[str(action.task_execution_id)]
    index = action.runtime_context["index"]
    same = [
        a.id for a in ledger.actions.values() if a.task_execution_id == task.id and a.runtime_context["index"] == index
    ]
    return (*place_of_task(ledger, task), (*_name(ledger, task), index, same.index(action.id)))


def place_of_task(ledger: Ledger, task: TaskExecution) -> PLACE:
    """Where the execution of a task is."""
    execution = ledger.executions[task.workflow_execution_id]
    if execution.task_execution_id is None:
        return ()
    above = ledger.tasks[execution.task_execution_id]
    index = execution.runtime_context["index"]
    same = [
        e.id
        for e in ledger.executions.values()
        if e.task_execution_id == above.id and e.runtime_context["index"] == index
    ]
    return (*place_of_task(ledger, above), (*_name(ledger, above), index, same.index(execution.id)))


def _name(ledger: Ledger, task: TaskExecution) -> tuple[str, int]:
    same = [
        t.id
        for t in ledger.tasks.values()
        if t.workflow_execution_id == task.workflow_execution_id and t.name == task.name
    ]
    return task.name, same.index(task.id)
