"""One history of a case: a service that works, dies and is started again until all is over, as a seed decides."""

from collections import defaultdict
from concurrent.futures import Future
from random import Random
from typing import Any

from simulation.cases import PLACE, Case
from simulation.checks import check_memory
from simulation.database import Crash, Database
from simulation.ends import check_rows, imposed_outcomes
from simulation.places import place_of, place_of_task
from simulation.plans import SECOND, Plan
from simulation.service import Clock, Later, Process, refusal_of, simulated_time

from mistralish import states
from mistralish.actions import Result
from mistralish.definitions import Definitions
from mistralish.engine import commands
from mistralish.errors import UnavailableError
from mistralish.records import ActionExecution, WorkflowExecution
from mistralish.store import Tenant

STEPS = 20_000
ROOT = "the-execution"
_FAULTS = ("crash before commit", "crash after commit", "crash before commit", "crash after commit", "no commit",
           "no begin")  # fmt: skip


class History:
    """Carries a case out under a plan."""

    def __init__(self, case: Case, plan: Plan) -> None:
        self.case = case
        self.plan = plan
        self.database = Database(Random(f"locks {plan.seed}"), plan.is_shared)
        self.ledger = self.database.ledger
        self.imposed: dict[PLACE, tuple[str, Any]] = {}
        self.steps = 0
        self._random = Random(f"steps {plan.seed}")
        self._clock = Clock()
        self._later = Later()
        self._faults = plan.faults
        self._processes: list[Process] = []
        self._asked: list[tuple[Any, Future[Any], Process]] = []
        self._accepted: dict[str, int] = defaultdict(int)
        self._reruns = case.reruns
        self._failed: tuple[str, int | None] = ("", None)  # the task that is run again, as it was before
        self._pauses = plan.pauses

    @property
    def root(self) -> WorkflowExecution:
        """The execution that was started."""
        return self.ledger.executions[ROOT]

    def run(self) -> "History":
        """Go on until all is over. Raises AssertionError for what may not be."""
        with simulated_time(self._clock, self._later):
            definitions = self._new_process()
            Definitions(definitions.store, Tenant("")).create_workflows(self.case.text)
            self._limits(definitions)
            self._ask(commands.StartExecution(ROOT, "main", params=self.case.params))
            while self._step():
                self.steps += 1
                assert self.steps < STEPS, "it does not end"
            check_rows(self._processes[0], self.ledger, ROOT)
            self.imposed = imposed_outcomes(self.ledger, self._outcome)
        self.database.connection.close()
        return self

    def _limits(self, process: Process) -> None:
        for name in ("main", "lower", "lowest"):
            definition = process.engine._loop.catalog.workflow(name, "", "")
            if definition is None:
                continue
            for task in definition.plan.tasks.values():
                retry = task.spec.policies.retry
                if retry is not None:
                    self.ledger.retries[task.name] = 2
                if task.spec.join and (task.spec.join != "all" or not self.case.is_confluent):
                    self.ledger.restarts.add(task.name)

    # What may happen

    def _step(self) -> bool:
        self._hear_answers()
        possible = list(self._possible())
        if not possible:
            return self._nothing_goes_on()
        self._random.choice(possible)()
        return True

    def _possible(self) -> Any:
        for process in self._processes:
            if process.is_busy:
                # More often than all else, or nothing would ever end.
                yield from [lambda p=process: self._turn(p)] * 3
            for action_id, call in process.executor.calls.items():
                # What is not the simulation's own always ends.
                if not call.action.startswith("sim.") or self._outcome(action_id)[0] != "never":
                    yield lambda p=process, a=action_id: self._finish(p, a)
        if len(self._processes) < self.plan.processes:
            yield self._new_process
        if not self._processes:
            return
        for action in self._unfinished("sim.async"):
            if self._outcome(action.id)[0] != "never" and not self._is_asked(action.id):
                yield lambda a=action: self._report(a.id)
        if any(t.due_at <= self._clock.now - 3 * SECOND for t in self.ledger.timers.values()):
            yield lambda: self._random.choice(self._processes).fire()
        if self._later.waiting:
            yield self._later.do_all
        if self._faults > 0:
            yield from self._mischief()
        if ROOT in self.ledger.executions and self._random.random() < self._pauses:
            yield self._pause_or_resume

    def _mischief(self) -> Any:
        if self._random.random() < 0.05:
            yield lambda: self._kill(self._random.choice(self._processes))
        if self._random.random() < 0.1:
            yield self._repeat_something
        if self.plan.is_shared and self._random.random() < 0.1:
            yield lambda: self._random.choice(self._processes).adopt()
            yield lambda: self._suspect(self._clock.now - 3_600 * SECOND)

    def _nothing_goes_on(self) -> bool:
        """Nothing goes on by itself: see what would make it go on in time. False: all is over."""
        if not self._processes:
            self._new_process()
            return True
        if self._asked:
            assert all(future.done() for _, future, _ in self._asked), f"commands are not answered: {self._asked}"
            return True  # the answers have not been heard yet
        if self.plan.is_shared and self.ledger.messages:
            self._processes[0].adopt()
            return True
        if self._lost():
            self._suspect(self._clock.now + 1_000 * SECOND)
            return True
        due = min((timer.due_at for timer in self.ledger.timers.values()), default=None)
        paused = [e for e in self.ledger.executions.values() if e.state == states.PAUSED]
        if due is not None and not (paused and due > self._clock.now + 1_000 * SECOND):
            self._clock.now = max(self._clock.now + 1, due + 4 * SECOND)
            return True
        if paused:
            # Before timeouts: what is paused is not late.
            self._ask(commands.ResumeExecution(ROOT if self.root.state == states.PAUSED else paused[0].id))
            return True
        self._all_is_over()
        return self._rerun()

    # How it happens

    def _turn(self, process: Process) -> None:
        if self._faults > 0 and self._random.random() < 0.12:
            self._faults -= 1
            self.database.fault = self._random.choice(_FAULTS)
        self._later.owner = process
        try:
            process.turn(self._random.choice([0.0, 0.0, 0.0004, 0.004, 0.1]))
        except Crash:
            self._kill(process)
        else:
            if self._random.random() < 0.5:
                check_memory(process)
        self.database.fault = None

    def _new_process(self) -> Process:
        skew = self._random.randint(-self.plan.skew, self.plan.skew) if self.plan.skew else 0
        process = Process(self.database, self._clock, skew, self.plan.cached_runs)
        self._processes.append(process)
        return process

    def _kill(self, process: Process) -> None:
        self._faults -= 1
        self._processes.remove(process)
        self._later.forget(process)
        again = [entry for entry in self._asked if entry[2] is process]
        self._asked = [entry for entry in self._asked if entry[2] is not process]
        if not self._processes:
            self._new_process()
        for command, future, _ in again:
            # Whoever has an answer has it; all others ask again, after a look whether it is done.
            if not future.done():
                if not self._is_run_again(command):
                    self._ask(command)
            else:
                self._hear(command, future)

    def _is_run_again(self, command: Any) -> bool:
        return isinstance(command, commands.RerunTask) and self._failed != self._task_row(command.task_id)

    def _task_row(self, task_id: str) -> tuple[str, int | None]:
        task = self.ledger.tasks[task_id]
        return task.state, task.updated_at

    def _ask(self, command: Any) -> None:
        process = self._random.choice(self._processes)
        self._asked.append((command, process.submit(command), process))

    def _hear_answers(self) -> None:
        asked, self._asked = self._asked, []
        for entry in asked:
            command, future, _ = entry
            if not future.done():
                self._asked.append(entry)
            else:
                self._hear(command, future)

    def _hear(self, command: Any, future: Any) -> None:
        refusal = refusal_of(future)
        if isinstance(refusal, UnavailableError):
            self._ask(command)
        elif isinstance(command, commands.ActionFinished):
            if refusal is None:
                self._accepted[command.action_id] += 1
                assert self._accepted[command.action_id] == 1, "one result was taken twice"
            action = self.ledger.actions[command.action_id]
            assert action.state in states.COMPLETED, "what was acknowledged is not there"
        elif isinstance(command, commands.StartExecution):
            assert refusal is None, refusal
            assert ROOT in self.ledger.executions, "what was acknowledged is not there"

    def _is_asked(self, action_id: str) -> bool:
        return any(getattr(command, "action_id", None) == action_id for command, _, _ in self._asked)

    def _finish(self, process: Process, action_id: str) -> None:
        kind, value = self._outcome(action_id)
        process.finish(action_id, Result(value) if kind == "ok" else Result(error=value, cancel=kind == "cancel"))

    def _report(self, action_id: str) -> None:
        kind, value = self._outcome(action_id)
        if kind == "ok":
            command = commands.ActionFinished(action_id, value)
        else:
            command = commands.ActionFinished(action_id, error=value, is_error=True, cancel=kind == "cancel")
        self._ask(command)

    def _repeat_something(self) -> None:
        process = self._random.choice(self._processes)
        kind = self._random.choice(["result", "timer", "start"])
        ended = [a for a in self.ledger.actions.values() if a.state in states.COMPLETED]
        if kind == "result" and ended:
            action = self._random.choice(ended)
            if not self._is_asked(action.id):
                self._ask(commands.ActionFinished(action.id, "once more"))
                self._accepted.setdefault(action.id, 0)
                self._accepted[action.id] = max(self._accepted[action.id], 1)
        elif kind == "timer":
            process.fire()
        elif kind == "start" and ROOT in self.ledger.executions:
            self._ask(commands.StartExecution(ROOT, "main", params=self.case.params))

    def _pause_or_resume(self) -> None:
        if self.root.state == states.RUNNING:
            self._ask(commands.PauseExecution(ROOT))
        elif self.root.state == states.PAUSED:
            self._ask(commands.ResumeExecution(ROOT))

    def _suspect(self, silent_since: int) -> None:
        for action in self._lost():
            self._ask(commands.ActionLost(action.id, "lost", silent_since))

    def _lost(self) -> list[ActionExecution]:
        """What no living process runs."""
        if not self.plan.is_shared:
            return []
        running = {action_id for process in self._processes for action_id in process.executor.calls}
        return [
            a
            for name in ("sim.sync", "std.noop", "std.echo")
            for a in self._unfinished(name)
            if a.id not in running and not self._is_asked(a.id)
        ]

    def _rerun(self) -> bool:
        failed = [
            t
            for t in self.ledger.tasks.values()
            if t.state == states.ERROR and self.ledger.executions[t.workflow_execution_id].state == states.ERROR
        ]
        if self._reruns == 0 or not failed or self.root.state != states.ERROR:
            return False
        self._reruns -= 1
        random = Random(f"{self.case.seed} {self._reruns}")
        task = max(failed, key=lambda t: (place_of_task(self.ledger, t), t.name))
        self.ledger.may_revive = True
        self._failed = self._task_row(task.id)
        self._ask(commands.RerunTask(task.id, reset=random.random() < 0.5, skip=random.random() < 0.3))
        return True

    # What is known of it

    def _unfinished(self, name: str) -> list[ActionExecution]:
        return [a for a in self.ledger.actions.values() if a.name == name and a.state not in states.COMPLETED]

    def _outcome(self, action_id: str) -> tuple[str, Any]:
        action = self.ledger.actions.get(action_id)
        if action is None:
            return "never", None
        place = place_of(self.ledger, action)
        return self.plan.forced.get(place) or self.case.outcome(place)

    # At the end

    def _all_is_over(self) -> None:
        for execution in self.ledger.executions.values():
            assert execution.state in states.COMPLETED, f"{execution.name} is {execution.state}, and nothing goes on"
        for task in self.ledger.tasks.values():
            # ``fail`` and ``succeed`` leave unfinished tasks behind.
            assert task.state in states.COMPLETED or not self.case.is_confluent, f"{task.name} is {task.state}"
        assert not self.ledger.messages
