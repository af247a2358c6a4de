"""Task policies: what is done before a task starts and after it ended.

Source: the language reference, "Policies". The order in which they are asked is the reference's.
"""

from collections.abc import Iterator
from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.context import View
from mistralish.engine.machine import data, tries
from mistralish.engine.machine.state import arm, set_accepted, set_task_state
from mistralish.engine.plan import PoliciesPlan, RetryPlan
from mistralish.engine.run import Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import WorkflowError
from mistralish.expressions import Compiled
from mistralish.masking import shown


def before_start(run: Run, task: TaskRun, world: World) -> bool:
    """Apply the policies of a task about to start. True: the execution is to be paused before it."""
    plan = task.plan.policies
    view = data.task_view(run, task)
    scope = RunScope(run, world, task)
    rec = task.rec
    paused = False
    if plan.pause_before is not None and plan.pause_before.evaluate(view, scope):
        set_task_state(run, task, world, states.IDLE, "Set by 'pause-before' policy")
        paused = True
    if plan.wait_before is not None:
        delay = _whole(plan.wait_before, view, scope, "wait-before", task)
        if delay and rec.state != states.IDLE and not _once(run, task, "wait_before_policy"):
            set_task_state(run, task, world, states.DELAYED, f"Delayed by 'wait-before' policy [delay={delay}]")
            arm(run, task, world, delay, steps.ContinueTask(rec.id))
    if plan.timeout is not None:
        timeout = _whole(plan.timeout, view, scope, "timeout", task)
        if timeout:
            arm(run, task, world, timeout, steps.TimeOutTask(rec.id, timeout))
    for name, later in _checked_early(plan):
        _whole(later, view, scope, name, task)
    if plan.concurrency is not None:
        concurrency = _whole(plan.concurrency, view, scope, "concurrency", task)
        if concurrency:
            rec.runtime_context["concurrency"] = concurrency
            run.touch(rec)
    return paused


def _checked_early(plan: PoliciesPlan) -> Iterator[tuple[str, Compiled]]:
    """What is needed after the task only, and must be right before it starts."""
    if plan.wait_after is not None:
        yield "wait-after", plan.wait_after
    if plan.retry is not None:
        yield "retry count", plan.retry.count
        yield "retry delay", plan.retry.delay


def after_end(run: Run, task: TaskRun, world: World) -> None:
    """Apply the policies of a task that has just ended: they may fail it, hold it back or start it again."""
    plan = task.plan.policies
    scope = RunScope(run, world, task)
    view = data.task_view(run, task)
    rec = task.rec
    if plan.wait_after is not None:
        delay = _whole(plan.wait_after, view, scope, "wait-after", task)
        if delay and not _once(run, task, "wait_after_policy"):
            end = steps.CompleteTask(rec.id, rec.state, rec.state_info)
            set_task_state(run, task, world, states.DELAYED, f"Delayed by 'wait-after' policy [delay={delay}]")
            arm(run, task, world, delay, end)
    if plan.fail_on is not None and rec.state == states.SUCCESS and plan.fail_on.evaluate(view, scope):
        set_task_state(run, task, world, states.ERROR, "Failed by 'fail-on' policy")
    if plan.retry is not None:
        _retry(run, task, world, plan.retry, scope)


def action_timeout(run: Run, task: TaskRun, world: World) -> float | None:
    """The seconds after which an executor gives up on an action of this task; None for no limit."""
    timeout = task.plan.policies.timeout
    if timeout is None:
        return None
    return _whole(timeout, data.task_view(run, task), RunScope(run, world, task), "timeout", task) or None


def _retry(run: Run, task: TaskRun, world: World, plan: RetryPlan, scope: RunScope) -> None:
    rec = task.rec
    count = _whole(plan.count, data.task_view(run, task), scope, "retry count", task)
    delay = _whole(plan.delay, data.task_view(run, task), scope, "retry delay", task)
    if count == 0:
        return
    view = data.out_view(run, task)
    task.out_context = None
    goes_on = plan.continue_on.evaluate(view, scope) if plan.continue_on is not None else None
    broken = plan.break_on.evaluate(view, scope) if plan.break_on is not None else None
    if rec.state not in (states.SUCCESS, states.ERROR, states.SKIPPED):
        return
    policy = rec.runtime_context.setdefault("retry_task_policy", {})
    tried = policy.pop("retry_no", 0)
    run.touch(rec)
    stop = tried >= count or (rec.state == states.ERROR and broken)
    stop = stop or (not goes_on if plan.continue_on is not None else rec.state == states.SUCCESS)
    if stop:
        return
    policy["retry_no"] = tried + 1
    invalidate_results(run, task, world)
    join = bool(task.plan.spec.join)
    info = f"Delayed by 'retry' policy [delay={delay}]"
    set_task_state(run, task, world, states.WAITING if join else states.DELAYED, info)
    step: Any = steps.RefreshJoin(rec.id) if join else steps.ContinueTask(rec.id)
    arm(run, task, world, delay, step)


def invalidate_results(run: Run, task: TaskRun, world: World) -> None:
    """Let no result that a task has so far count any more, nor one that is still to come."""
    tries.give_up(run, task, world)
    for child in data.children(run, task, world).values():
        set_accepted(run, task, child, False)


def _once(run: Run, task: TaskRun, key: str) -> bool:
    """Whether a policy has been applied to this task execution already; from now on it has."""
    policy = task.rec.runtime_context.setdefault(key, {})
    done = bool(policy.get("skip"))
    policy["skip"] = True
    run.touch(task.rec)
    return done


def _whole(value: Compiled, view: View, scope: RunScope, policy: str, task: TaskRun) -> int:
    result = value.evaluate(view, scope)
    if isinstance(result, float) and result.is_integer():
        result = int(result)
    if isinstance(result, bool) or not isinstance(result, int) or result < 0:
        raise WorkflowError(
            f"Invalid data type in policy '{policy}' of task '{task.plan.name}': "
            f"a whole number of at least 0 is needed, the value is {shown(result)}"
        )
    return result
