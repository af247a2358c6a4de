"""Where commits take long, callers wait for a bounded time and keep no threads from others; readiness says so."""

import threading
import time
from typing import Any

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, loop
from mistralish.engine.commands import StartExecution
from mistralish.errors import UnavailableError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.readiness import TURN_SECONDS, Readiness
from mistralish.store import Store, Tenant, Turn

QUICK = "{version: '2.0', quick: {tasks: {t: {action: std.noop}}}}"


class Scheduler:
    def seconds_since_look(self) -> float:
        return 0.0


@pytest.fixture
def disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Cleared, it lets no commit come to its end."""
    works, turn = threading.Event(), store.turn
    works.set()

    def slow(roots: Any) -> Turn:
        begun = turn(roots)
        save = begun.save

        def write(changes: Any) -> None:
            save(changes)
            works.wait(30)

        monkeypatch.setattr(begun, "save", write)
        return begun

    monkeypatch.setattr(store, "turn", slow)
    return works


def test_a_commit_that_hangs_keeps_callers_for_a_bounded_time_and_later_ones_for_none(
    store: Store, tenant: Tenant, disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "STUCK_SECONDS", 0.3)
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    engine.start()
    Definitions(store, tenant).create_workflows(QUICK)
    first, second, third = (StartExecution(new_id(), "quick", project_id=tenant.project_id) for _ in range(3))

    disk.clear()
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="may still be carried out"):
        engine.call(first, timeout=0.5)
    refused_at = time.monotonic()
    with pytest.raises(UnavailableError, match="busy with one turn for too long"):
        engine.call(second)
    assert time.monotonic() - refused_at < 0.3
    monkeypatch.setattr("mistralish.readiness.TURN_SECONDS", 0.4)
    readiness = Readiness(lambda: None, engine, Scheduler())
    assert ["busy with one turn" in problem for problem in readiness.problems()] == [True]

    disk.set()
    end = began + 20
    while readiness.problems():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert engine.call(third).id == third.execution_id
    states = {store.get("execution", each.execution_id, tenant=tenant)["state"] for each in (first, third)}
    assert states <= {"RUNNING", "SUCCESS"}
    with pytest.raises(Exception, match="not found"):
        store.get("execution", second.execution_id, tenant=tenant)
    engine.stop(5)


def test_a_turn_counts_as_stuck_for_callers_before_it_does_for_readiness() -> None:
    assert loop.STUCK_SECONDS < TURN_SECONDS
