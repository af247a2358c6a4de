"""A history with faults, compared with one without: the same results of actions lead to the same end."""

import re
from random import Random
from typing import Any

from simulation.cases import Case, make_case
from simulation.ends import is_lost_too_late
from simulation.history import ROOT, History
from simulation.plans import Plan

from mistralish import states


def run_seed(seed: int) -> int:
    """Carry out the history of a seed and check it; return how many steps it took."""
    return compare(make_case(Random(f"case {seed}")), Plan.drawn(seed))


def compare(case: Case, plan: Plan, calm_plan: Plan | None = None) -> int:
    """Carry a case out under a plan; where its outcome depends on results only, see that it is what they make.

    ``calm_plan``: in the place of one without faults, by which actions end as they did under ``plan``.
    """
    history = History(case, plan).run()
    if not case.is_confluent:
        return history.steps
    calm = History(case, calm_plan or Plan(forced=history.imposed)).run()
    if _failed_early(history) or _failed_early(calm):
        return history.steps + calm.steps
    one, other = _without_ids(outcome(history)), _without_ids(outcome(calm))
    assert one == other, difference(one, other)
    return history.steps + calm.steps


def _failed_early(history: History) -> bool:
    """Whether a join has failed while a branch to it was under way: what follows it may or may not see that branch."""
    ledger = history.ledger
    joins = [task for task in ledger.tasks.values() if (task.state_info or "").startswith("Failed by tasks")]
    return any(
        task.workflow_execution_id == join.workflow_execution_id
        and any(name == join.name for name, _ in task.next_tasks or ())
        and (task.finished_at or 0) > (join.finished_at or 0)
        for join in joins
        for task in ledger.tasks.values()
    )


_ID = re.compile(r"\d{20}-\d{6}")
# Of several branches that cannot come any more, a join names those that it knows of when it fails.
_WHICH = re.compile(r"Failed by tasks: \[[^]]*\]")


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_ids(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_ids(v) for v in value]
    return _WHICH.sub("Failed by tasks", _ID.sub("ID", value)) if isinstance(value, str) else value


def difference(one: Any, other: Any, path: str = "") -> str:
    """Where two outcomes differ first."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(difference(one[k], other[k], f"{path}.{k}") for k in one if one[k] != other[k])
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(difference(a, b, f"{path}[{i}]") for i, (a, b) in pairs if a != b)
    return f"{path}: with faults {str(one)[:300]}; without {str(other)[:300]}"


def outcome(history: History, execution_id: str = ROOT) -> Any:
    """What came of an execution: states, what was published, outputs; no ids, and no messages that have them."""
    ledger = history.ledger
    execution = ledger.executions[execution_id]
    output = dict(execution.output or {})
    if execution.state != states.SUCCESS:
        output.pop("result", None)
    tasks = [t for t in ledger.tasks.values() if t.workflow_execution_id == execution_id]
    context = {k: v for k, v in execution.context.items() if k != "__execution"}
    return {
        "state": execution.state,
        "output": output,
        "context": context,
        "input": execution.input,
        "tasks": sorted(([t.name, t.state, t.published or {}, _children(history, t.id)] for t in tasks), key=str),
    }


def _children(history: History, task_id: str) -> list[Any]:
    ledger = history.ledger
    if ledger.tasks[task_id].state == states.CANCELLED:
        return []  # which of its items were begun before the one that was cancelled is left to chance
    actions = [
        (a.runtime_context["index"], a.state, a.input, a.output)
        for a in ledger.actions.values()
        if a.task_execution_id == task_id and a.accepted and not is_lost_too_late(ledger, a)
    ]
    executions = [
        (e.runtime_context["index"], outcome(history, e.id))
        for e in ledger.executions.values()
        if e.task_execution_id == task_id and e.accepted
    ]
    return sorted([*actions, *executions], key=str)
