"""Contexts that nobody kept: computed anew from what the tasks before have published.

A task after a join sees what had come to the join when the task was made. In a loop the same join starts again
with what comes later, which may itself go back to that task; so a join is always asked about a point in time.
"""

from typing import NamedTuple

from mistralish import states
from mistralish.engine.context import Context, after_publishing, merge
from mistralish.engine.run import Run, TaskRun


class _Place(NamedTuple):
    """A task, and for a join the task from which it is looked at: what came later than that is not seen."""

    task: TaskRun
    seen_from: TaskRun | None

    @property
    def key(self) -> tuple[int, int]:
        return self.task.number, -1 if self.seen_from is None else self.seen_from.number

    def shows(self, source: TaskRun) -> bool:
        """Whether ``source`` had come to the join by then."""
        by = self.seen_from
        if by is None:
            return True
        return source.number < by.number and (source.rec.finished_at or 0) <= by.rec.created_at


def recall(run: Run, task: TaskRun) -> Context:
    """What the branch has published before ``task``. Not recursive: a line of ancestors may be long."""
    known: dict[tuple[int, int], Context] = {}
    above: dict[tuple[int, int], list[_Place]] = {}
    top = _Place(task, None)
    todo = [top]
    while todo:
        place = todo[-1]
        if place.key in known:
            todo.pop()
        elif place.key not in above:
            above[place.key] = _before(run, place)
            # A place that is open already is the way that we came: it goes round in a circle, and adds nothing.
            todo.extend(p for p in above[place.key] if _kept(p, known, run.merges) is None and p.key not in above)
        else:
            found = (_kept(p, known, run.merges) for p in above[place.key])
            known[place.key] = merge(c for c in found if c is not None)
            todo.pop()
    for place in above[top.key]:
        _keep(place, known, run.merges)
    return known[top.key]


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
            if t.rec.state in states.COMPLETED and triggers(t, spec.name)
        ]
    else:
        found = [run.tasks[cause["task_id"]] for cause in task.rec.runtime_context.get("triggered_by", ())]
    found.sort(key=lambda t: t.rec.completed_seq)
    return found


def triggers(task: TaskRun, name: str) -> bool:
    """Whether ``task``, ended, leads to the task called ``name``."""
    return any(entry[0] == name for entry in task.rec.next_tasks or ())


def _before(run: Run, place: _Place) -> list[_Place]:
    task, seen_from = place
    if run.plan.is_reverse:
        return [_Place(t, None) for t in upstream(run, task)]
    if not task.plan.spec.join:
        return [_place(run, t, task) for t in upstream(run, task)]
    return [_place(run, t, seen_from) for t in upstream(run, task) if place.shows(t)]


def _place(run: Run, task: TaskRun, seen_from: TaskRun | None) -> _Place:
    if not task.plan.spec.join:
        return _Place(task, None)
    place = _Place(task, seen_from)
    nothing_came_since = all(place.shows(t) and not t.plan.spec.join for t in upstream(run, task))
    return _Place(task, None) if nothing_came_since else place


def _kept(place: _Place, known: dict[tuple[int, int], Context], merges: bool) -> Context | None:
    task = place.task
    if place.seen_from is None:
        if task.out_context is not None:
            return task.out_context
        if task.in_context is not None:
            return after_publishing(task.in_context, task.rec.published, merges)
    context = known.get(place.key)
    return None if context is None else after_publishing(context, task.rec.published, merges)


def _keep(place: _Place, known: dict[tuple[int, int], Context], merges: bool) -> None:
    """Keep what the tasks just before were found to give: others that follow them will ask for it too."""
    if place.seen_from is None and place.task.out_context is None:
        place.task.out_context = _kept(place, known, merges)
