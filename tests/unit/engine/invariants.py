"""What holds after every decision, whatever the workflow."""

from collections.abc import Sequence
from typing import Any

from mistralish import states
from mistralish.engine import commands, steps
from mistralish.engine.run import Run
from mistralish.records import HistoryEvent

_REVIVING = (commands.RerunTask, steps.ChildRerun)
_STOPPING = (commands.StopExecution, steps.Stop)


class Before:
    """A run as it was before a decision."""

    def __init__(self, run: Run) -> None:
        self._seq = run.seq
        self._state = run.ex.state
        self._finished = {
            key: (task.rec.state, repr(task.rec.published))
            for key, task in run.tasks.items()
            if task.rec.state in states.COMPLETED
        }

    def check(self, run: Run, command: Any, history: Sequence[HistoryEvent]) -> None:
        """See that the decision left the run in order."""
        counts_are_right(run)
        assert not run.agenda
        assert [e.seq for e in run.events] == list(range(self._seq + 1, run.seq + 1)), "history has a gap"
        assert self._seq == len(history), "history does not go on where it ended"
        if not isinstance(command, _REVIVING):
            self._finished_stays(run)
        if run.ex.state == states.RUNNING:
            assert run.incomplete, (
                f"running with nothing to do: {[(t.rec.name, t.rec.state) for t in run.tasks.values()]}"
            )
        if run.ex.state == states.SUCCESS and self._state != states.SUCCESS and not isinstance(command, _STOPPING):
            assert not run.incomplete or _has_succeed(run), "success with tasks unfinished"

    def _finished_stays(self, run: Run) -> None:
        for key, was in self._finished.items():
            task = run.tasks[key]
            is_join_that_came_again = bool(task.plan.spec.join) and len(run.by_name[task.rec.name]) == 1
            if not is_join_that_came_again:
                assert (task.rec.state, repr(task.rec.published)) == was, f"finished task {task.rec.name} changed"


def counts_are_right(run: Run) -> None:
    """See that what a run counts is what a recount gives."""
    tasks = [t.rec for t in run.tasks.values()]
    counted = (run.incomplete, run.unhandled, run.cancelled)
    expected = (
        sum(t.state not in states.COMPLETED for t in tasks),
        sum(t.state == states.ERROR and not t.error_handled for t in tasks),
        sum(t.state == states.CANCELLED for t in tasks),
    )
    assert counted == expected, f"(incomplete, unhandled, cancelled): {counted}, not {expected}"
    for task in run.tasks.values():
        if task.children is None:
            continue
        kept = (task.running, task.accepted, task.errors, task.cancelled)
        children = list(task.children.values())
        recount = (
            sum(c.state not in states.COMPLETED for c in children),
            sum(c.accepted for c in children),
            sum(c.accepted and c.state == states.ERROR for c in children),
            sum(c.accepted and c.state == states.CANCELLED for c in children),
        )
        assert kept == recount, f"{task.rec.name} (running, accepted, errors, cancelled): {kept}, not {recount}"


def _has_succeed(run: Run) -> bool:
    return any(
        link.target == "succeed"
        for plan in run.plan.tasks.values()
        for links in (plan.on_success, plan.on_error, plan.on_complete, plan.on_skip)
        for link in links
    )
