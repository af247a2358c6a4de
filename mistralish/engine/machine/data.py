"""What tasks see, publish and give: contexts, views, results."""

from typing import Any

from mistralish import states
from mistralish.engine.context import EMPTY, Context, View, after_publishing, merge
from mistralish.engine.run import Child, ChildRef, Run, TaskRun
from mistralish.engine.world import World

_UPSTREAM_STATES = states.COMPLETED


def in_context(run: Run, task: TaskRun) -> Context:
    """What the branch has published before ``task``."""
    if task.in_context is None:
        task.in_context = _compute_in_context(run, task)
    return task.in_context


def out_context(run: Run, task: TaskRun) -> Context:
    """What the tasks after ``task`` see."""
    if task.out_context is None:
        _recall_ancestors(run, task)
        task.out_context = after_publishing(in_context(run, task), task.rec.published)
    return task.out_context


def upstream(run: Run, task: TaskRun) -> list[TaskRun]:
    """The task executions whose contexts make that of ``task``, in the order in which they ended."""
    spec = task.plan.spec
    if run.plan.is_reverse:
        found = [t for name in spec.requires for t in run.by_name.get(name, ()) if t.rec.state == states.SUCCESS]
    elif spec.join:
        found = [
            t
            for name in run.plan.spec.inbound.get(spec.name, ())
            for t in run.by_name.get(name, ())
            if t.rec.state in _UPSTREAM_STATES and triggers(t, spec.name)
        ]
    else:
        found = [run.tasks[cause["task_id"]] for cause in task.rec.runtime_context.get("triggered_by", ())]
    found.sort(key=lambda t: t.rec.completed_seq)
    return found


def triggers(task: TaskRun, name: str) -> bool:
    """Whether ``task``, ended, leads to the task called ``name``."""
    return any(entry[0] == name for entry in task.rec.next_tasks or ())


def _compute_in_context(run: Run, task: TaskRun) -> Context:
    above = upstream(run, task)
    return merge([out_context(run, t) for t in above]) if above else EMPTY


def _recall_ancestors(run: Run, task: TaskRun) -> None:
    """Compute forgotten contexts from the eldest down, so that a long chain needs no deep recursion."""
    line: list[TaskRun] = []
    while task.in_context is None:
        above = upstream(run, task)
        if len(above) != 1 or above[0].out_context is not None:
            break
        task = above[0]
        line.append(task)
    for ancestor in reversed(line):
        ancestor.out_context = after_publishing(in_context(run, ancestor), ancestor.rec.published)
        ancestor.in_context = None
    for ancestor in line[1:]:
        forget_contexts(run, ancestor)


def forget_contexts(run: Run, task: TaskRun) -> None:
    """Drop what a finished task saw, where its successors hold all that is still needed."""
    task.in_context = None
    if task.rec.has_next_tasks and not any(
        run.plan.tasks[name].spec.join for name, _ in task.rec.next_tasks or () if name in run.plan.tasks
    ):
        task.out_context = None


def current(task: TaskRun) -> dict[str, Any]:
    """The layer by which expressions know the task that they belong to."""
    return {"__task_execution": {"id": task.rec.id, "name": task.rec.name}}


def task_view(run: Run, task: TaskRun, extra: dict[str, Any] | None = None) -> View:
    """What expressions of a task see; ``extra`` (an item of with-items) goes first."""
    layers = (in_context(run, task).vars, run.environment.layer, run.ex.context, run.ex.input)
    return View(current(task), extra, *layers) if extra else View(current(task), *layers)


def out_view(run: Run, task: TaskRun) -> View:
    """What expressions in a finished task's ``on-*`` clauses see."""
    return View(current(task), out_context(run, task).vars, run.environment.layer, run.ex.context, run.ex.input)


def workflow_view(run: Run, variables: dict[str, Any] | None = None) -> View:
    """What expressions of the workflow itself see."""
    layers = (run.environment.layer, run.ex.context, run.ex.input)
    return View(variables, *layers) if variables else View(*layers)


def children(run: Run, task: TaskRun, world: World) -> dict[str, Child]:
    """The action executions and child executions of a task, loaded if they were not."""
    if task.children is None:
        actions, executions = world.load_children(task.rec.id)
        both: list[Child] = [*actions, *(ChildRef(e) for e in executions)]
        task.children = {c.id: c for c in both}
        task.recount()
        run.actions.update(dict.fromkeys(task.children, task))
    return task.children


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
