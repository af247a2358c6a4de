"""A process of the service without its threads: each of its turns, calls and results is a step of the simulation."""

import itertools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from simulation.database import Database, SimulatedStore

from mistralish.actions import Registry, Result
from mistralish.actions.base import SystemAction
from mistralish.actions.signature import Signature
from mistralish.engine import Engine, commands, lookups, loop, turns
from mistralish.engine.loop import TurnLoop
from mistralish.errors import MistralishError
from mistralish.executors import ActionCall, Load
from mistralish.executors.run import run_action
from mistralish.expressions import budget


class SimulatedAction(SystemAction):
    """An action whose end the simulation decides: in an executor, or (``sync`` False) told from outside."""

    def __init__(self, name: str, sync: bool) -> None:
        super().__init__(name, "", Signature({"seen": None}))
        self._sync = sync

    def is_sync(self, given: Any) -> bool:
        return self._sync

    def run(self, given: Any, context: Any) -> Result:
        raise AssertionError("the simulation runs it")


class SimulatedRegistry(Registry):
    """The standard actions, ``sim.sync`` and ``sim.async``."""

    def __init__(self) -> None:
        super().__init__(find_entry_points=list)
        self._own = {a.name: a for a in (SimulatedAction("sim.sync", True), SimulatedAction("sim.async", False))}

    def find(self, name: str) -> SystemAction | None:
        return self._own.get(name) or super().find(name)


class Clock:
    """The time, for all that the engine asks: by the wall in microseconds, and within a turn in seconds.

    ``pace``: how long (in seconds) each look at the time within a turn takes: so a turn ends where it is to end.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000
        self.skew = 0
        self.pace = 0.0
        self._passed = 0.0
        self._ids = itertools.count()
        self._last = 0

    def wall(self) -> int:
        """Microseconds, as the process sees it that is at work."""
        return self.now + self.skew

    def monotonic(self) -> float:
        """Seconds."""
        self._passed += self.pace
        return self._passed

    def new_id(self) -> str:
        """Like the service's ids: these sort by the time at which they are made."""
        return f"{self.wall():020d}-{next(self._ids):06d}"


class Executor:
    """Where a process runs its actions: they are in flight until the simulation ends them."""

    def __init__(self) -> None:
        self.calls: dict[str, ActionCall] = {}

    def submit(self, call: ActionCall) -> None:
        """See ``engine.Executor``."""
        if call.action != "sim.async":
            self.calls[str(call.action_execution_id)] = call

    def in_flight(self, seconds: float) -> list[str]:
        return list(self.calls)

    room = 1_000
    load = Load(0, 0, 0, 0)

    def queued_of(self, project_id: str) -> int:
        return 0

    def shutdown(self, seconds: float) -> tuple[str, ...]:
        return tuple(self.calls)


class SteppedLoop(TurnLoop):
    """A turn loop without a thread. What would be a mistake of ours is not caught."""

    def start(self) -> None:
        pass

    def _alone(self, work: turns.Work) -> None:
        failure = sys.exception()
        assert isinstance(failure, turns.RejectedAfterChangeError), repr(failure)
        super()._alone(work)


class Process:
    """One process: an engine, what it has in memory, and the calls that it runs. ``skew``: its clock's mistake, µs."""

    def __init__(self, database: Database, clock: Clock, skew: int, cached_runs: int) -> None:
        self.store = SimulatedStore(database)
        self.executor = Executor()
        self.skew = skew
        self._clock = clock
        clock.skew = skew
        self.registry = SimulatedRegistry()
        self.engine = Engine(
            self.store, self.registry, lambda on_result: self.executor, clock=clock.wall, cached_runs=cached_runs
        )
        self.engine.start()

    @property
    def is_busy(self) -> bool:
        """Whether commands wait for a turn."""
        return self.engine.waiting > 0

    def turn(self, pace: float) -> None:
        """Take a turn. It takes longer than the microsecond that each decision counts for."""
        self._clock.now += 10_000
        self._clock.skew = self.skew
        self._clock.pace = pace
        self.engine._loop.take_turn()

    def finish(self, action_id: str, result: Result) -> None:
        """An action has ended in the executor: as ``result`` says, if it is the simulation's."""
        self._clock.skew = self.skew
        call = self.executor.calls.pop(action_id)
        action = self.registry.find(call.action)
        assert action is not None
        if not isinstance(action, SimulatedAction):
            result = run_action(action, call)
        self.engine._take_result(action_id, result)

    def fire(self) -> None:
        """Hand out what is due, as the scheduler does."""
        self._clock.skew = self.skew
        for timer in self.store.due_timers(self._clock.wall(), 100):
            self.engine.submit(commands.TimerDue(timer.id, timer.execution_id, timer.command))

    def submit(self, command: Any) -> "Future[Any]":
        """Give a command."""
        self._clock.skew = self.skew
        return self.engine.submit(command)

    def adopt(self) -> None:
        """Take messages that nobody may have taken yet."""
        self._clock.skew = self.skew
        self.engine.adopt_messages(-1_000_000)


class Later:
    """Stands for threading.Timer: what a process is to do later waits until the simulation does it."""

    def __init__(self) -> None:
        self.owner: object = None
        self.waiting: list[tuple[object, Callable[[], None]]] = []

    def timer(self, seconds: float, function: Any, args: Any = ()) -> Any:
        """See ``threading.Timer``."""
        owner = self.owner
        return SimpleNamespace(start=lambda: self.waiting.append((owner, lambda: function(*args))))

    def do_all(self) -> None:
        """Do what waits."""
        waiting, self.waiting = self.waiting, []
        for _, do in waiting:
            do()

    def forget(self, owner: object) -> None:
        """The process is gone."""
        self.waiting = [entry for entry in self.waiting if entry[0] is not owner]


@contextmanager
def simulated_time(clock: Clock, later: Later) -> Iterator[None]:
    """Within it, the engine takes time, ids and delays from the simulation."""
    time = SimpleNamespace(monotonic=clock.monotonic, perf_counter=clock.monotonic, sleep=lambda seconds: None)
    threads = SimpleNamespace(Timer=later.timer, Thread=_NoThread)
    with (
        patch.object(turns, "time", time),
        patch.object(lookups, "time", time),
        patch.object(loop, "time", time),
        patch.object(loop, "threading", threads),
        patch.object(turns, "new_id", clock.new_id),
        patch.object(lookups, "new_id", clock.new_id),
        patch.object(budget, "debts", dict),
        patch("mistralish.engine.TurnLoop", SteppedLoop),
        patch("mistralish.engine.sandbox.start", lambda: None),
    ):
        yield


class _NoThread:
    def __init__(self, **_: Any) -> None:
        pass

    def is_alive(self) -> bool:
        return True


def refusal_of(future: "Future[Any]") -> MistralishError | None:
    """What a command that was answered has been refused with, if it was."""
    failure = future.exception()
    assert failure is None or isinstance(failure, MistralishError), repr(failure)
    return failure
