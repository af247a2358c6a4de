"""The tries of a task: a child of one that was given up ends for itself and decides nothing in a later one.

With ``with-items`` an item that is still under way is not started again, so it belongs to the new try.
"""

from mistralish import states
from mistralish.engine.machine import data
from mistralish.engine.run import Child, Run, TaskRun
from mistralish.engine.world import World

GIVEN_UP = "__given_up"
"""Where a task's runtime context keeps the ids of the children that were under way when a try was given up."""


def is_given_up(task: TaskRun, child: Child) -> bool:
    """Whether ``child`` belongs to a try of ``task`` that was given up before the child had ended."""
    return child.id in task.rec.runtime_context.get(GIVEN_UP, ())


def give_up(run: Run, task: TaskRun, world: World) -> None:
    """Let what is under way belong to a former try: the task is about to be tried anew."""
    if task.plan.with_items is None:
        _keep(run, task, {c.id for c in data.children(run, task, world).values() if c.state not in states.COMPLETED})


def take_up(run: Run, task: TaskRun, child: Child, world: World) -> None:
    """Let ``child`` be what the task waits for again, and nothing else."""
    give_up(run, task, world)
    if is_given_up(task, child):
        task.rec.runtime_context[GIVEN_UP].remove(child.id)
        run.touch(task.rec)


def _keep(run: Run, task: TaskRun, found: set[str]) -> None:
    context = task.rec.runtime_context
    known = context.get(GIVEN_UP, [])
    if new := sorted(found.difference(known)):
        context[GIVEN_UP] = [*known, *new]
        run.touch(task.rec)
