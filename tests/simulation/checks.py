"""What a process has in memory, compared with what it would have after it had been started anew."""

from typing import Any

from simulation.service import Process
from unit.engine.invariants import counts_are_right

from mistralish import states
from mistralish.engine.machine.ancestry import recall
from mistralish.engine.memory import Memory
from mistralish.engine.run import Run
from mistralish.store import Turn


def check_memory(process: Process) -> None:
    """Raise AssertionError where a run in memory is not what its rows make."""
    loop = process.engine._loop
    kept = list(loop._memory._runs.values())
    with Turn(process.store._connection, process.store._writer, ()) as turn:
        for run in kept:
            if process.store._database.is_shared and _is_old(process, run):
                continue
            rebuilt = Memory(loop.catalog, 1_000_000).load(turn, run.ex.id)
            assert rebuilt is not None
            _compare(process, run, rebuilt)


def _is_old(process: Process, run: Run) -> bool:
    version = process.engine._loop._memory._versions.get(run.root_id)
    return version != process.store._database.versions.get(run.root_id)


def _compare(process: Process, kept: Run, rebuilt: Run) -> None:
    counts_are_right(kept)
    assert not kept.agenda
    assert not kept.effects
    _same(kept.ex, rebuilt.ex, "execution")
    assert [t.rec.id for t in kept.tasks.values()] == [t.rec.id for t in rebuilt.tasks.values()], "order of tasks"
    for name in ("incomplete", "unhandled", "cancelled", "seq", "completions"):
        assert getattr(kept, name) == getattr(rebuilt, name), name
    for key, task in kept.tasks.items():
        twin = rebuilt.tasks[key]
        _same(task.rec, twin.rec, task.rec.name)
        if task.rec.state in states.COMPLETED and task.rec.processed:
            continue
        assert sorted(task.timers or ()) == sorted(twin.timers or ()), f"timers of {task.rec.name}"
        is_told_later = any(m.execution_id == kept.ex.id for m in process.store._database.ledger.messages.values())
        if task.children is not None and twin.children is not None and not is_told_later:
            counts = [(t.running, t.accepted, t.errors, t.cancelled) for t in (task, twin)]
            assert counts[0] == counts[1], f"counts of {task.rec.name}: {counts}"
        # A join, or a task of a reverse workflow, looks anew whenever it goes on.
        if task.in_context is not None and not task.plan.spec.join and not kept.plan.is_reverse:
            seen = recall(rebuilt, twin).vars
            assert seen == task.in_context.vars, f"{task.rec.name} saw {task.in_context.vars}, now it sees {seen}"


def _same(one: Any, other: Any, what: str) -> None:
    for name in type(one).__slots__:
        mine, stored = getattr(one, name), getattr(other, name)
        assert (mine or None) == (stored or None), f"{what}.{name}: {mine!r} in memory, {stored!r} in the database"
