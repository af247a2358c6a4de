"""Random small workflows, and a driver that ends their actions in any order."""

import os
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml
from hypothesis import settings
from hypothesis import strategies as st
from unit.engine.simulated import WAIT, Simulation, error, ok

from mistralish import states

STEPS = 3_000
"""So many results and timers are enough for every workflow that is made here."""

_thorough = os.environ.get("MISTRALISH_PROPERTY_EXAMPLES")
quick_or_thorough = settings(
    max_examples=int(_thorough or "60"), derandomize=not _thorough, deadline=None, print_blob=True
)
"""The same few examples each time in CI; ``MISTRALISH_PROPERTY_EXAMPLES=5000`` for a long run with others."""


@dataclass(frozen=True)
class Case:
    """A workflow, and of each task which of its items fail (by index; an action without items has index 0)."""

    text: str
    failing: dict[str, frozenset[int]]


@st.composite
def cases(
    draw: st.DrawFn, joins: tuple[str, ...] = ("all", "one", "some", "none"), below: bool = True, seeing: bool = False
) -> Case:
    """Tasks whose transitions lead forward only, so that every execution ends; each publishes its own variable.

    ``joins`` are the ways in which several transitions may meet; with "all" alone every task runs once at the most,
    so that the outcome does not depend on the order of results. ``seeing``: each publishes as well the names of all
    variables that it sees.
    """
    count = draw(st.integers(1, 6))
    names = [f"t{number}" for number in range(count)]
    tasks: dict[str, Any] = {}
    failing: dict[str, frozenset[int]] = {}
    inbound: dict[str, set[str]] = {name: set() for name in names}
    for number, name in enumerate(names):
        task: dict[str, Any] = {"publish": {f"v_{name}": f"{name} well"}, "publish-on-error": {f"v_{name}": "badly"}}
        if seeing:
            task["publish"][f"saw_{name}"] = task["publish-on-error"][f"saw_{name}"] = "<% $.keys().orderBy($) %>"
        for event in ("on-success", "on-error", "on-complete"):
            after = draw(st.lists(st.sampled_from([*names[number + 1 :], "noop"]), max_size=2, unique=True))
            if after:
                task[event] = after
                for target in after:
                    inbound.get(target, set()).add(name)
        items = draw(st.sampled_from([None, None, 0, 1, 3]))
        if items is not None:
            task["with-items"] = f"i in <% range({items}) %>"
            task["concurrency"] = draw(st.integers(0, 2))
        task["workflow" if below and draw(st.integers(0, 5)) == 0 else "action"] = "std.noop"
        if "workflow" in task:
            task["workflow"] = "below"
        if draw(st.integers(0, 4)) == 0:
            task["retry"] = {"count": 1, "delay": 1}
        if draw(st.integers(0, 6)) == 0:
            task[draw(st.sampled_from(["wait-before", "wait-after"]))] = 1
        failing[name] = frozenset(i for i in range(items or 1) if draw(st.integers(0, 3)) == 0)
        tasks[name] = task
    for name in names:
        kind = draw(st.sampled_from(joins))
        if len(inbound[name]) > 1 and kind != "none":
            tasks[name]["join"] = draw(st.integers(1, len(inbound[name]))) if kind == "some" else kind
    workflows = {"main": {"tasks": tasks}, "below": {"tasks": {"w": {"action": "std.noop"}}}}
    return Case(yaml.safe_dump({"version": "2.0", **workflows}, sort_keys=False), failing)


class Driver:
    """Runs a case, its results and timers in the order that ``seed`` gives."""

    def __init__(self, case: Case, seed: int, *, reload: Any = "", pauses: bool = False) -> None:
        self._random = Random(seed)
        self._case = case
        self._pauses = pauses
        self.sim = Simulation(case.text, mocks={"std.noop": WAIT}, reload=reload)
        self.sim.start()

    def step(self) -> bool:
        """Let one thing happen. False: nothing can any more."""
        sim = self.sim
        if self._pauses and sim.state in (states.RUNNING, states.PAUSED) and self._random.random() < 0.15:
            sim.pause() if sim.state == states.RUNNING else sim.resume()
            return True
        if not sim.waiting and not sim.rows.timers:
            if sim.state != states.PAUSED:
                return False
            sim.resume()
            return True
        choice = self._random.randrange(len(sim.waiting) + bool(sim.rows.timers))
        if choice == len(sim.waiting):
            sim.advance(1)
        else:
            self.finish(list(sim.waiting)[choice])
        return True

    def finish(self, action_id: str) -> None:
        """End an action as the case says."""
        record = self.sim.waiting[action_id].record
        task = self.sim.rows.tasks[str(record.task_execution_id)]
        execution = self.sim.rows.executions[task.workflow_execution_id]
        index = record.runtime_context["index"]
        if execution.task_execution_id:
            index = execution.runtime_context["index"]
            task = self.sim.rows.tasks[execution.task_execution_id]
        self.sim.finish(action_id, error("no") if index in self._case.failing[task.name] else ok("yes"))

    def run(self) -> Simulation:
        """Run to the end."""
        for _ in range(STEPS):
            if not self.step():
                return self.sim
        raise AssertionError("it does not end")

    def outcome(self) -> tuple[str, dict[str, Any]]:
        """The final state, and what was published; without the message, which has ids in it."""
        output = dict(self.sim.output)
        output.pop("result", None)
        return self.sim.state, output
