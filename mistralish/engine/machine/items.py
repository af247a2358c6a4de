"""with-items: one action or child execution for each item, so many at a time.

Source: the language reference, "Processing collections". What happens when an item ends costs the same
however many items there are: everything is counted, nothing is searched.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.effects import Tell
from mistralish.engine.machine import actions, data
from mistralish.engine.machine.state import set_accepted
from mistralish.engine.run import Child, Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import InputError
from mistralish.masking import shown

MAX_ITEMS = 100_000
"""How many items a task may have."""

PORTION = 100
"""How many items are started in one step of a turn; the rest follow in further steps."""


def start(run: Run, task: TaskRun, world: World) -> bool:
    """Start the items that are to run now. True: there is nothing to run, the task is done."""
    values = _values(run, task, world)
    rec = task.rec
    if not were_started(task):
        size = len(next(iter(values.values()), ()))
        rec.runtime_context["with_items"] = {"capacity": rec.runtime_context.get("concurrency"), "count": size}
        run.touch(rec)
    task.pending = deque(_indexes_to_run(run, task, world))
    if not task.pending:
        return task.running == 0  # started again while its items run, it waits for them
    portion(run, task, world)
    return False


def portion(run: Run, task: TaskRun, world: World) -> None:
    """Start the next items, as many as concurrency and fairness allow."""
    if task.pending is None:
        task.pending = deque(_indexes_to_run(run, task, world))
    values = _values(run, task, world)
    concurrency = task.rec.runtime_context.get("concurrency") or 0
    free = concurrency - task.running if concurrency else len(task.pending)
    started = 0
    while task.pending and started < min(free, PORTION):
        index = task.pending.popleft()
        item = {name: items[index] for name, items in values.items()}
        actions.start_one(run, task, world, item, index)
        started += 1
        if world.is_time_up():
            break
    if task.pending and started < free:
        run.effects.append(Tell(run.ex.id, steps.DispatchItems(task.rec.id)))


def were_started(task: TaskRun) -> bool:
    """Whether it is known how many items the task has."""
    return "with_items" in task.rec.runtime_context


def take_up(run: Run, task: TaskRun, world: World) -> None:
    """Let a task that had ended wait for its items again: their last results count, even if it was to be tried anew.

    Items that were never started, because it ended before, are started now.
    """
    children = data.children(run, task, world).values()
    taken = {data.index_of(child) for child in children if _is_taken(child)}
    last = {data.index_of(child): child for child in children if data.index_of(child) not in taken}
    for child in last.values():
        set_accepted(run, task, child, True)
    run.effects.append(Tell(run.ex.id, steps.DispatchItems(task.rec.id)))


def is_done(task: TaskRun) -> bool:
    """Whether the task ends now: every item has a result that counts, or one was cancelled."""
    return bool(task.cancelled) or (task.accepted == count(task) and task.running == 0)


def count(task: TaskRun) -> int:
    """How many results the task needs."""
    return task.rec.runtime_context.get("with_items", {}).get("count") or 1


def final_state(task: TaskRun) -> tuple[str, str | None]:
    """The state in which the task ends, and why."""
    if task.cancelled:
        return states.CANCELLED, "One or more actions was cancelled."
    if task.errors:
        return states.ERROR, "One or more actions had failed."
    return states.SUCCESS, None


def _values(run: Run, task: TaskRun, world: World) -> dict[str, list[Any]]:
    """The lists of items by variable, all of one length."""
    if task.items is not None:
        return task.items
    assert task.plan.with_items is not None
    given = task.plan.with_items.evaluate(data.task_view(run, task), RunScope(run, world, task))
    values: dict[str, list[Any]] = {}
    for name, items in given.items():
        if not isinstance(items, Iterable):
            raise InputError(
                f"Wrong input format for: {task.plan.name}. Iterable type is expected for each value: "
                f"'{name}' is {shown(items, name)}"
            )
        values[name] = list(items.keys() if isinstance(items, Mapping) else items)
    if (most := max(map(len, values.values()), default=0)) > MAX_ITEMS:
        raise actions.TaskFailureError(
            f"Task '{task.plan.name}' has {most} items: at most {MAX_ITEMS} are allowed; "
            "share them out among several tasks"
        )
    if len({len(items) for items in values.values()}) > 1:
        lengths = {name: len(items) for name, items in values.items()}
        raise InputError(
            f"Wrong input format for: {task.plan.name}. All arrays must have the same length: they have {lengths}"
        )
    task.items = values
    return values


def _is_taken(child: Child) -> bool:
    """Whether a child's item has a result that counts, or one under way."""
    return child.accepted or child.state not in states.COMPLETED


def _indexes_to_run(run: Run, task: TaskRun, world: World) -> list[int]:
    """The items that have neither a result that counts nor one under way."""
    size = task.rec.runtime_context["with_items"]["count"]
    taken = {data.index_of(child) for child in data.children(run, task, world).values() if _is_taken(child)}
    return [index for index in range(size) if index not in taken] if taken else list(range(size))
