"""The life of a task execution: made, run, ended, run again."""

from typing import Any

import orjson

from mistralish import states
from mistralish.engine.context import EMPTY, deep_update
from mistralish.engine.effects import Tell
from mistralish.engine.machine import actions, data, ending, flow, items, joins, policies, tries
from mistralish.engine.machine.ancestry import keep_seen, look_anew, write_down
from mistralish.engine.machine.state import (
    check_size,
    disarm_all,
    set_accepted,
    set_error_handled,
    set_task_state,
    touch_workflow,
)
from mistralish.engine.run import Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.steps import RefreshJoin
from mistralish.engine.world import World
from mistralish.errors import MistralishError, WorkflowError
from mistralish.masking import mask_values
from mistralish.records import ActionExecution, TaskExecution

CONTEXT_FIELDS = 16
"""How many times ``execution_field_size_limit_kb`` all published variables that a task sees may take together."""

PUBLISHED_GLOBAL = "__published_global"
"""Where a task's runtime context keeps what it published to the whole execution."""


SETTLED = "__settled"
"""Where a join's runtime context keeps how many tasks had ended when it was last decided on."""


def create(run: Run, world: World, command: flow.RunNew) -> TaskRun:
    """Make a task execution; for a join, find the one that waits already."""
    plan = run.plan.tasks[command.name]
    is_join = bool(plan.spec.join)
    if is_join and (existing := run.latest(command.name)) is not None:
        if existing.rec.state != states.WAITING and not _is_counted(run, existing, command):
            if existing.rec.state == states.ERROR and joins.evaluate(run, existing).state == states.ERROR:
                _come_too_late(run, existing)
            else:
                _start_again(run, existing, world)
        return existing
    ex = run.ex
    rec = TaskExecution(
        id=world.new_id(),
        name=command.name,
        workflow_execution_id=ex.id,
        workflow_name=ex.workflow_name,
        workflow_id=ex.workflow_id,
        workflow_namespace=ex.workflow_namespace,
        type=plan.spec.type,
        tags=list(plan.spec.tags),
        state=states.WAITING if is_join else states.IDLE,
        state_info="Task is waiting." if is_join else None,
        unique_key=f"join-task-{ex.id}-{command.name}" if is_join else None,
        runtime_context={"triggered_by": command.triggered_by} if command.triggered_by else {},
        project_id=ex.project_id,
        created_at=_after_all(run, world),
        updated_at=world.now,
    )
    task = TaskRun(rec, plan)
    run.created.append(rec)
    run.add_task(task)
    if is_join:
        run.record(world.now, "task", {"task_id": rec.id, "name": rec.name, "state": states.WAITING})
    elif command.triggered_by:
        cause = run.tasks[command.triggered_by[0]["task_id"]]
        task.in_context = data.out_context(run, cause)
        if cause.rec.state not in states.COMPLETED:
            keep_seen(run, task)  # a join that has been started again before its followers were made
    elif not run.plan.is_reverse:
        task.in_context = EMPTY
    return task


def _start_again(run: Run, join: TaskRun, world: World) -> None:
    write_down(run, join)
    join.arrived = join.out_context = None
    look_anew(run, join)
    set_task_state(run, join, world, states.WAITING, "Task is waiting.", processed=False)


def _come_too_late(run: Run, join: TaskRun) -> None:
    """A branch leads to a join that has failed without it, and still cannot start: it does not fail again.

    What the branch has published counts at the end of the execution as if the join had waited for it.
    """
    write_down(run, join)
    join.out_context = None
    look_anew(run, join)
    run.agenda.append(("check", None))


def _after_all(run: Run, world: World) -> int:
    """The time, but later than all tasks were made that there are: it is by this that they are put in order again.

    Another process may have made them, by another clock.
    """
    newest = next(reversed(run.tasks.values()), None)
    return world.now if newest is None else max(world.now, newest.rec.created_at + 1)


def _is_counted(run: Run, join: TaskRun, command: flow.RunNew) -> bool:
    """Whether the join was settled with the task that now leads to it ended: both in one decision."""
    settled = join.rec.runtime_context.get(SETTLED, 0)
    return all(run.tasks[cause["task_id"]].rec.completed_seq <= settled for cause in command.triggered_by)


def run_new(run: Run, task: TaskRun, world: World) -> None:
    """Run a task for the first time; a join waits until it may."""
    if task.rec.state != states.IDLE:
        return
    with ErrorsFailExecution(run, task, world, "Failed to run task"):
        set_task_state(run, task, world, states.RUNNING, task.rec.state_info)
        _apply_before(run, task, world)
        if task.rec.state == states.RUNNING:
            _start_work(run, task, world)


def run_existing(run: Run, task: TaskRun, world: World, reset: bool = False, rerun: bool = False) -> None:
    """Run a task execution that was held back, is tried again, or (``rerun``) was run to its end before."""
    with ErrorsFailExecution(run, task, world, "Failed to run task"):
        if task.rec.state == states.SUCCESS:
            raise WorkflowError("Rerunning succeeded tasks is not supported.")
        if rerun:
            write_down(run, task)
            tries.give_up(run, task, world)
        set_task_state(run, task, world, states.RUNNING, None, processed=False, rerun=rerun)
        if rerun:
            _apply_before(run, task, world)
            if task.rec.state != states.RUNNING:
                return
        _refresh_context(run, task)
        task.items = task.pending = None
        _forget_results(run, task, world, reset)
        _start_work(run, task, world)


def action_ended(run: Run, task: TaskRun, world: World, state: str, output: Any) -> None:
    """Take notice that an action or child execution of the task has ended.

    A task that is held back by a policy goes on when its time has come, whatever ends meanwhile.
    """
    if task.rec.state in (*states.COMPLETED, states.DELAYED, states.WAITING):
        return
    with ErrorsFailExecution(run, task, world, "Failed to handle action completion"):
        if task.plan.with_items is None:
            info = None
            if state != states.SUCCESS:
                result = output.get("result") if isinstance(output, dict) else None
                info = str(mask_values(result)) if result else None
            complete(run, task, world, state, info)
        elif items.is_done(task):
            complete(run, task, world, *items.final_state(task))
        elif task.rec.runtime_context.get("concurrency"):
            _failing_the_task(run, task, world, items.portion)
    refresh_joins(run, task, world)


def dispatch_items(run: Run, task: TaskRun, world: World) -> None:
    """Start the next portion of a with-items task that is being started."""
    if task.rec.state in states.COMPLETED:
        return
    with ErrorsFailExecution(run, task, world, "Failed to run task"):
        _failing_the_task(run, task, world, items.portion)
    refresh_joins(run, task, world)


def end(run: Run, task: TaskRun, world: World, state: str, info: str | None) -> None:
    """End a task from without: its time is up, its wait is over, its join has failed."""
    with ErrorsFailExecution(run, task, world, "Failed to complete task"):
        complete(run, task, world, state, info)
    refresh_joins(run, task, world)


def complete(run: Run, task: TaskRun, world: World, state: str, info: str | None) -> None:
    """End a task: publish, apply policies, find what comes next and start it."""
    rec = task.rec
    if rec.state in states.COMPLETED and state != states.SKIPPED:
        return
    _keep_what_failed_joins_led_to(run, task)
    set_task_state(run, task, world, state, info)
    _refresh_context(run, task)
    task.out_context = None
    _publish(run, task, world)
    if not task.plan.spec.keep_result:
        _drop_results(run, task, world)
    if state != states.SKIPPED and task.plan.has_after:
        policies.after_end(run, task, world)
        if rec.state not in states.COMPLETED:
            return
    disarm_all(run, task)
    commands = flow.after_task(run, task, world)
    named = [c for c in commands if isinstance(c, flow.RunNew)]
    events: list[Any] = [c.triggered_by[0]["event"] if c.triggered_by else None for c in named]
    rec.next_tasks = [[c.name, event] for c, event in zip(named, events, strict=True)]
    rec.has_next_tasks = bool(named)
    if rec.state == states.ERROR:
        set_error_handled(run, task, any(getattr(c, "handles_error", False) for c in commands))
    task.items = task.pending = None
    if run.ex.state == states.PAUSED:
        return
    rec.processed = True
    if run.plan.is_reverse or not rec.has_next_tasks:
        run.agenda.append(("check", None))
    run.agenda.append(("dispatch", (task, commands)))
    run.agenda.append(("settled", task))


def _keep_what_failed_joins_led_to(run: Run, task: TaskRun) -> None:
    """Write down what the followers of joins that have failed without ``task`` saw: from its end on it counts there."""
    for name in run.plan.joins_below[task.plan.name]:
        join = run.latest(name)
        if join is not None and join.rec.state == states.ERROR and join.rec.started_at is None:
            write_down(run, join)


def refresh_joins(run: Run, task: TaskRun, world: World) -> None:
    """Have the joins looked at that the end of ``task`` may let start, or make impossible."""
    if task.rec.state in states.COMPLETED:
        run.agenda.append(("joins", task))


def look_at_joins(run: Run, task: TaskRun, world: World) -> None:
    """See whether joins may start now that ``task`` has ended."""
    if run.plan.is_reverse or run.ex.state in states.COMPLETED or run.ex.state == states.PAUSED:
        return
    name = task.plan.name
    led_to = {entry[0] for entry in task.rec.next_tasks or ()}
    missed = [n for n in run.plan.spec.outbound.get(name, ()) if n not in led_to]
    doubtful = _joins_in_doubt(run, missed)
    for join_name in dict.fromkeys([*run.plan.joins_below[name], *doubtful]):
        join = run.latest(join_name)
        if join is None or join.rec.state != states.WAITING or join.timers:
            continue  # one with a timer waits for its next try
        if join.plan.spec.join != "all":
            # Later, so that it sees the branches that end in this same turn, as it does in the reference.
            run.effects.append(Tell(run.ex.id, RefreshJoin(join.rec.id)))
        elif join_name in doubtful:
            settle_join(run, join, world, joins.evaluate(run, join))
        elif join_name in led_to:
            settle_join(run, join, world, joins.after_arrival(run, join, name))


def _joins_in_doubt(run: Run, missed: list[str]) -> set[str]:
    """The joins that may have become impossible because ``missed`` tasks do not follow."""
    found: set[str] = set()
    todo = list(missed)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        if run.plan.tasks[name].spec.join:
            found.add(name)
            if run.latest(name) is not None:
                continue  # what is behind it hears of it when it has ended
        todo.extend(run.plan.joins_below[name])
    return found


def settle_join(run: Run, join: TaskRun, world: World, found: joins.JoinState) -> None:
    """Start or fail a waiting join, or let it wait on."""
    if found.state == states.WAITING or join.rec.state != states.WAITING:
        return
    if run.ex.state == states.PAUSED or run.ex.state in states.COMPLETED:
        return
    join.rec.runtime_context.update({SETTLED: run.completions, "triggered_by": found.triggered_by})
    run.touch(join.rec)
    look_anew(run, join)
    if found.state == states.RUNNING:
        set_task_state(run, join, world, states.RUNNING, None)
        run_existing(run, join, world)
    else:
        end(run, join, world, states.ERROR, found.info)


def update(run: Run, task: TaskRun, world: World, state: str) -> None:
    """Follow an unfinished child into PAUSED or RUNNING."""
    rec = task.rec
    if rec.state in states.COMPLETED or not states.may_follow(rec.state, state):
        return
    children = data.children(run, task, world).values()
    paused = any(c.state == states.PAUSED and not tries.is_given_up(task, c) for c in children)
    if state == states.RUNNING and paused:
        return
    set_task_state(run, task, world, state, None)


def force_fail(run: Run, task: TaskRun, world: World, message: str) -> None:
    """Fail a task for an error in the workflow itself: nothing can take care of it, the execution fails too."""
    set_task_state(run, task, world, states.ERROR, message)
    disarm_all(run, task)
    ending.fail(run, world, ending.final_context_or_nothing(run), message)


def _apply_before(run: Run, task: TaskRun, world: World) -> None:
    if task.plan.has_before and policies.before_start(run, task, world):
        # At once: what fails after it, beside it, no longer fails the execution. As in the reference.
        run.agenda.appendleft(("pause", None))


def _start_work(run: Run, task: TaskRun, world: World) -> None:
    if task.plan.with_items is None:
        _failing_the_task(run, task, world, actions.start_one)
    else:
        _failing_the_task(run, task, world, _start_items)


def _start_items(run: Run, task: TaskRun, world: World) -> None:
    if items.start(run, task, world):
        complete(run, task, world, states.SUCCESS, None)
        refresh_joins(run, task, world)


def _failing_the_task(run: Run, task: TaskRun, world: World, work: Any) -> None:
    try:
        work(run, task, world)
    except actions.TaskFailureError as error:
        complete(run, task, world, states.ERROR, error.message)
        refresh_joins(run, task, world)


class ErrorsFailExecution:
    """Within it an error of the workflow's making fails the task and the execution."""

    def __init__(self, run: Run, task: TaskRun, world: World, said: str) -> None:
        self._run = run
        self._task = task
        self._world = world
        self._said = said

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, MistralishError):
            return False
        run, task = self._run, self._task
        message = f"{self._said} [error={error.message}, wf={run.ex.name}, task={task.rec.name}]"
        force_fail(run, task, self._world, message)
        return True


def _refresh_context(run: Run, task: TaskRun) -> None:
    if run.plan.is_reverse or task.plan.spec.join:
        look_anew(run, task)


def _forget_results(run: Run, task: TaskRun, world: World, reset: bool) -> None:
    for child in list(data.children(run, task, world).values()):
        if reset or (child.accepted and child.state in (states.ERROR, states.CANCELLED)):
            set_accepted(run, task, child, False)


def _drop_results(run: Run, task: TaskRun, world: World) -> None:
    for child in data.children(run, task, world).values():
        if isinstance(child, ActionExecution):
            child.output = {}
            run.touch(child)


def _check_context(run: Run, task: TaskRun, world: World, size: int) -> None:
    """Raise WorkflowError where the tasks after this one would see more than one context may hold.

    Published variables may take the place of older ones, so only now and then is it measured what there is: when as
    much was published since the last time as there was room for then.
    """
    if world.field_limit < 0:
        return
    limit = CONTEXT_FIELDS * world.field_limit * 1024
    run.published_since += size
    if run.published_since <= limit - run.context_size:
        return
    whole = {**data.in_context(run, task).vars, **(task.rec.published or {})}
    run.context_size, run.published_since = len(orjson.dumps(whole, default=str)), 0
    if run.context_size > limit:
        raise WorkflowError(
            f"All published variables together take {run.context_size // 1024}KB, "
            f"but not more than {limit // 1024}KB are allowed: publish less, or overwrite what is no longer needed"
        )


def _publish(run: Run, task: TaskRun, world: World) -> None:
    rec = task.rec
    plan = task.plan.publish.get(rec.state)
    if plan is None:
        return
    view = data.task_view(run, task)
    scope = RunScope(run, world, task)
    rec.published = None if plan.branch is None else plan.branch.evaluate(view, scope)
    _check_context(run, task, world, check_size(rec.published, world, "TaskExecution", "published"))
    reaches = [reach.evaluate(view, scope) for reach in (plan.global_, plan.atomic) if reach is not None]
    for published in reaches:
        run.ex.context = deep_update(run.ex.context, published)
        check_size(run.ex.context, world, "WorkflowExecution", "context")
        touch_workflow(run, world)
        kept = rec.runtime_context.get(PUBLISHED_GLOBAL, {})
        rec.runtime_context[PUBLISHED_GLOBAL] = deep_update(kept, published)
