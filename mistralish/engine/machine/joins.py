"""Whether a join may start: what each inbound task makes of it.

Source: the language reference, "Join", and the running reference for tasks that can no longer come
("impossible route").
"""

from typing import NamedTuple

from mistralish import states
from mistralish.engine.machine.ancestry import triggers
from mistralish.engine.machine.flow import BACKLOG
from mistralish.engine.run import Run, TaskRun


class JoinState(NamedTuple):
    """What a join should be: RUNNING, ERROR or WAITING; why; and who caused it."""

    state: str
    info: str | None
    triggered_by: list[dict[str, str]]


_STILL_WAITING = JoinState(states.WAITING, None, [])


def after_arrival(run: Run, join: TaskRun, source: str) -> JoinState:
    """The join's state once the inbound task ``source`` has triggered it: constant unless it completes the join."""
    if join.arrived is not None:
        join.arrived.add(source)
        if len(join.arrived) < _needed(run, join):
            return _STILL_WAITING
    return evaluate(run, join)


def evaluate(run: Run, join: TaskRun) -> JoinState:
    """The join's state from all its inbound tasks."""
    name = join.plan.name
    inbound = run.plan.spec.inbound.get(name, ())
    running: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    for source in inbound:
        state, event = _induced(run, source, name)
        if state == states.RUNNING:
            running.append((source, event))
        elif state == states.ERROR:
            failed.append((source, event))
    join.arrived = {source for source, _ in running}
    needed = _needed(run, join)
    if len(running) >= needed:
        return JoinState(states.RUNNING, None, _causes(run, running))
    if len(failed) > len(inbound) - needed:
        return JoinState(states.ERROR, f"Failed by tasks: {[s for s, _ in failed]}", _causes(run, failed))
    return _STILL_WAITING


def _needed(run: Run, join: TaskRun) -> int:
    cardinality = join.plan.spec.join
    if cardinality == "all":
        return len(run.plan.spec.inbound.get(join.plan.name, ()))
    return 1 if cardinality == "one" else int(cardinality or 1)


def _causes(run: Run, induced: list[tuple[str, str]]) -> list[dict[str, str]]:
    latest = ((run.latest(source), event) for source, event in induced)
    return [{"task_id": task.rec.id, "event": event} for task, event in latest if task is not None]


def _induced(run: Run, source: str, join_name: str) -> tuple[str, str]:
    task = run.latest(source)
    if task is None:
        if _may_still_come(run, source):
            return states.WAITING, ""
        return states.ERROR, "impossible route"
    if task.rec.state not in states.COMPLETED:
        return states.WAITING, ""
    for name, event in task.rec.next_tasks or ():
        if name == join_name:
            return states.RUNNING, event
    return states.ERROR, "not triggered"


def _may_still_come(run: Run, name: str) -> bool:
    """Whether a task that has not run yet may still be reached from one that runs, or did and led here."""
    seen = {name}
    todo = [name]
    while todo:
        current = todo.pop()
        inbound = run.plan.spec.inbound.get(current, ())
        if not inbound:
            return True
        for source in inbound:
            task = run.latest(source)
            if task is None:
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
            elif task.rec.state not in states.COMPLETED or (triggers(task, current) and not _is_cut_off(run, task)):
                return True
    return False


def _is_cut_off(run: Run, task: TaskRun) -> bool:
    """Whether what follows a task was started as far as it will be: what a ``fail`` comes before never is.

    It matters once the execution goes on after all, because something in it is run again.
    """
    comes_later = run.ex.runtime_context.get(BACKLOG) or any(kind == "dispatch" for kind, _ in run.agenda)
    return task.rec.processed and run.ex.state == states.RUNNING and not comes_later
