"""Contexts that nobody kept: computed anew from what the tasks before have published.

A task execution's row tells of its last end only. So before one that has ended starts again (a join with late branches
or in a loop, a task that is run again), what its followers saw is written to their rows.
"""

from mistralish import states
from mistralish.engine.context import Context, after_publishing, merge
from mistralish.engine.run import Run, TaskRun

SEEN = "__seen"
"""Where a task's runtime context keeps what it saw, if that cannot be computed any more."""


def recall(run: Run, task: TaskRun) -> Context:
    """What the branch has published before ``task``. Not recursive: a line of ancestors may be long."""
    known: dict[int, Context] = {}
    above: dict[int, list[TaskRun]] = {}
    todo = [task]
    while todo:
        here = todo[-1]
        if here.number in known:
            todo.pop()
        elif here.number not in above:
            above[here.number] = before = [] if SEEN in here.rec.runtime_context else upstream(run, here)
            # One that is open already is the way that we came: it goes round in a circle, and adds nothing.
            todo.extend(t for t in before if _kept(t, known, run.merges) is None and t.number not in above)
        else:
            known[here.number] = _written(here) or merge(
                c for t in above[here.number] if (c := _kept(t, known, run.merges)) is not None
            )
            todo.pop()
    for before_it in above[task.number]:
        if before_it.out_context is None:
            # Others that follow it will ask for it too.
            before_it.out_context = _kept(before_it, known, run.merges)
    return known[task.number]


def write_down(run: Run, task: TaskRun) -> None:
    """Write what the followers of ``task`` saw to their rows: it is about to start again.

    Those of joins behind it as well, since what such a join saw follows from ``task``.
    """
    passed = {task.rec.id}
    todo = [task]
    while todo:
        cause = todo.pop()
        for name, _ in cause.rec.next_tasks or ():
            for follower in reversed(run.by_name.get(name, ())):
                if follower.plan.spec.join:
                    if follower.rec.id not in passed:
                        passed.add(follower.rec.id)
                        todo.append(follower)
                        if follower.rec.state in states.COMPLETED and SEEN not in follower.rec.runtime_context:
                            keep_seen(run, follower)
                elif _is_caused_by(follower, cause):
                    if SEEN in follower.rec.runtime_context:
                        break  # those before it were written down when this happened the last time
                    keep_seen(run, follower)


def keep_seen(run: Run, task: TaskRun) -> None:
    """Write what ``task`` saw to its row."""
    seen = task.in_context or recall(run, task)
    task.rec.runtime_context[SEEN] = {"vars": seen.vars, "versions": seen.versions}
    run.touch(task.rec)


def look_anew(run: Run, task: TaskRun) -> None:
    """Let a join, or a task of a reverse workflow, see what has been published by now."""
    task.in_context = None
    if task.rec.runtime_context.pop(SEEN, None) is not None:
        run.touch(task.rec)


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
            if t.rec.state in states.COMPLETED and triggers(t, spec.name) and _was_in_time(t, task)
        ]
    else:
        found = [run.tasks[cause["task_id"]] for cause in task.rec.runtime_context.get("triggered_by", ())]
    found.sort(key=lambda t: t.rec.completed_seq)
    return found


def triggers(task: TaskRun, name: str) -> bool:
    """Whether ``task``, ended, leads to the task called ``name``."""
    return any(entry[0] == name for entry in task.rec.next_tasks or ())


def _was_in_time(source: TaskRun, join: TaskRun) -> bool:
    """Whether ``source`` had come when the join ended, if it has; one that failed before it started sees them all."""
    rec = join.rec
    is_open = rec.state not in states.COMPLETED or rec.started_at is None
    return is_open or source.rec.completed_seq < rec.completed_seq


def _is_caused_by(task: TaskRun, cause: TaskRun) -> bool:
    return any(entry["task_id"] == cause.rec.id for entry in task.rec.runtime_context.get("triggered_by", ()))


def _written(task: TaskRun) -> Context | None:
    seen = task.rec.runtime_context.get(SEEN)
    return None if seen is None else Context(seen["vars"], seen["versions"])


def _kept(task: TaskRun, known: dict[int, Context], merges: bool) -> Context | None:
    if task.out_context is not None:
        return task.out_context
    context = task.in_context or known.get(task.number)
    return None if context is None else after_publishing(context, task.rec.published, merges)
