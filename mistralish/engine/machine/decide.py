"""The state machine. ``decide`` says what a command does to a run; it reads no clock and touches no I/O."""

from typing import Any

from mistralish import states
from mistralish.engine import commands, steps
from mistralish.engine.machine import children, ending, joins, tasks, workflows
from mistralish.engine.machine.data import forget_contexts
from mistralish.engine.run import Run
from mistralish.engine.world import World


def decide(run: Run, command: Any, world: World) -> list[Any]:
    """Change ``run`` as ``command`` says; return the effects. Raises MistralishError where it may not be."""
    _HANDLERS[type(command)](run, command, world)
    _work_off_agenda(run, world)
    effects, run.effects = run.effects, []
    return effects


def _work_off_agenda(run: Run, world: World) -> None:
    agenda = run.agenda
    while agenda:
        kind, what = agenda.popleft()
        if kind == "run":
            tasks.run_new(run, what, world)
            tasks.refresh_joins(run, what, world)
        elif kind == "dispatch":
            workflows.follow_up(run, what[0], world, what[1])
        elif kind == "joins":
            tasks.look_at_joins(run, what, world)
        elif kind == "check":
            # Only when all else is done: what was dispatched counts as unfinished.
            if any(entry[0] != "check" for entry in agenda):
                agenda.append((kind, what))
            else:
                ending.check(run, world)
        elif kind == "settled":
            forget_contexts(run, what)
        elif kind == "run_existing":
            task, reset, rerun = what
            tasks.run_existing(run, task, world, reset, rerun)
            tasks.refresh_joins(run, task, world)
        elif kind == "join":
            tasks.settle_join(run, what, world, joins.evaluate(run, what))
        elif kind == "pause" and run.ex.state not in states.COMPLETED:
            workflows.pause(run, world)


def _with_task(handler: Any) -> Any:
    def handle(run: Run, step: Any, world: World) -> None:
        task = run.tasks.get(step.task_id)
        if task is not None:
            handler(run, task, step, world)

    return handle


def _continue_task(run: Run, task: Any, step: steps.ContinueTask, world: World) -> None:
    if task.rec.state == states.DELAYED:
        tasks.run_existing(run, task, world)
        tasks.refresh_joins(run, task, world)


def _time_out(run: Run, task: Any, step: steps.TimeOutTask, world: World) -> None:
    if task.rec.state not in states.COMPLETED:
        tasks.end(run, task, world, states.ERROR, f"Task timed out [timeout(s)={step.timeout}].")


def _refresh_join(run: Run, task: Any, step: steps.RefreshJoin, world: World) -> None:
    # A paused execution looks at its joins when it goes on.
    if task.rec.state == states.WAITING and run.ex.state not in (states.PAUSED, *states.COMPLETED):
        tasks.settle_join(run, task, world, joins.evaluate(run, task))


_HANDLERS: dict[type, Any] = {
    steps.Admit: lambda run, c, world: workflows.admit(run, world),
    steps.Begin: lambda run, c, world: workflows.begin(run, world),
    steps.ActionResult: children.action_result,
    steps.ActionState: children.action_state,
    steps.RunAgain: children.run_again,
    steps.ChildEnded: _with_task(children.child_ended),
    steps.ChildChanged: _with_task(children.child_changed),
    steps.ChildRerun: _with_task(children.child_rerun),
    steps.ContinueTask: _with_task(_continue_task),
    steps.CompleteTask: _with_task(lambda run, t, s, world: tasks.end(run, t, world, s.state, s.state_info)),
    steps.TimeOutTask: _with_task(_time_out),
    steps.RefreshJoin: _with_task(_refresh_join),
    steps.DispatchItems: _with_task(lambda run, t, s, world: tasks.dispatch_items(run, t, world)),
    steps.Pause: lambda run, c, world: workflows.pause(run, world, c.message, by_parent=True),
    steps.Resume: lambda run, c, world: workflows.resume(run, world, by_parent=True),
    steps.Stop: lambda run, c, world: workflows.stop(run, world, c.state, c.message),
    commands.PauseExecution: lambda run, c, world: workflows.pause(run, world, c.message),
    commands.ResumeExecution: lambda run, c, world: workflows.resume(run, world, c.env),
    commands.StopExecution: lambda run, c, world: workflows.stop(run, world, c.state, c.message),
    commands.UpdateExecution: children.update_execution,
    commands.RerunTask: _with_task(lambda run, t, c, world: workflows.rerun(run, t, world, c.reset, c.skip, c.env)),
}
