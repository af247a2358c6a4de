"""What tasks see, publish and give: contexts, views, results."""

from typing import Any

from mistralish.engine.context import Context, View, after_publishing, view_of
from mistralish.engine.machine.ancestry import recall
from mistralish.engine.run import Child, ChildRef, Run, TaskRun
from mistralish.engine.world import World


def in_context(run: Run, task: TaskRun) -> Context:
    """What the branch has published before ``task``."""
    if task.in_context is None:
        task.in_context = recall(run, task)
    return task.in_context


def out_context(run: Run, task: TaskRun) -> Context:
    """What the tasks after ``task`` see."""
    if task.out_context is None:
        task.out_context = after_publishing(in_context(run, task), task.rec.published, run.merges)
    return task.out_context


def forget_contexts(run: Run, task: TaskRun) -> None:
    """Drop what a finished task saw, where its successors hold all that is still needed."""
    if task.rec.has_next_tasks:
        tasks = run.plan.tasks
        if not any(tasks[name].spec.join for name, _ in task.rec.next_tasks or () if name in tasks):
            task.out_context = None
        elif task.in_context is not None:
            out_context(run, task)
    task.in_context = None


def current(task: TaskRun) -> dict[str, Any]:
    """The layer by which expressions know the task that they belong to."""
    return {"__task_execution": {"id": task.rec.id, "name": task.rec.name}}


def task_view(run: Run, task: TaskRun, extra: dict[str, Any] | None = None) -> View:
    """What expressions of a task see; ``extra`` (an item of with-items) goes first."""
    layers = (in_context(run, task).vars, run.environment.layer, run.ex.context, run.ex.input)
    return view_of(run.merges, current(task), *((extra, *layers) if extra else layers))


def out_view(run: Run, task: TaskRun) -> View:
    """What expressions in a finished task's ``on-*`` clauses see."""
    layers = (out_context(run, task).vars, run.environment.layer, run.ex.context, run.ex.input)
    return view_of(run.merges, current(task), *layers)


def workflow_view(run: Run, variables: dict[str, Any] | None = None) -> View:
    """What expressions of the workflow itself see."""
    layers = (run.environment.layer, run.ex.context, run.ex.input)
    return view_of(run.merges, *((variables, *layers) if variables else layers))


def children(run: Run, task: TaskRun, world: World) -> dict[str, Child]:
    """The action executions and child executions of a task, loaded if they were not."""
    if task.children is None:
        actions, executions = world.load_children(task.rec.id)
        both: list[Child] = [*actions, *(ChildRef(e) for e in executions)]
        task.children = {c.id: c for c in both}
        task.recount()
        run.actions.update(dict.fromkeys(task.children, task))
    return task.children


def after_others(task: TaskRun, now: int) -> int:
    """The time, but later than all children of ``task`` were made: they are put in order by it.

    Another process may have made them, by another clock. Items need no such order: they have an index.
    """
    if task.plan.with_items is not None or not task.children:
        return now
    return max(now, next(reversed(task.children.values())).created_at + 1)


def index_of(child: Child) -> int:
    """The place of a child among the items of its task."""
    index = child.runtime_context.get("index", 0)
    return index if isinstance(index, int) else 0


def result_of(run: Run, task: TaskRun, world: World) -> Any:
    """A task's result: its action's or workflow's; for with-items, the list of all that count, by index."""
    results = [_child_result(c) for c in sorted(children(run, task, world).values(), key=index_of) if c.accepted]
    if task.plan.with_items is not None:
        return results
    return results[0] if len(results) == 1 else results


def _child_result(child: Child) -> Any:
    if isinstance(child, ChildRef):
        return child.output
    return child.output.get("result") if child.output else None
