"""A command that fails unexpectedly takes its turn down, and nobody else's answer."""

import pytest

from mistralish.actions import Registry, Result
from mistralish.definitions import Definitions
from mistralish.engine import Engine, turns
from mistralish.engine.commands import PauseExecution, StartExecution
from mistralish.errors import NotFoundError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DEFINITION = "version: '2.0'\nshort:\n  tasks: {t: {action: std.noop}}\n"


def test_who_was_answered_before_the_turn_failed_is_not_answered_again(
    store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    Definitions(store, tenant).create_workflows(DEFINITION)
    bad, good = (StartExecution(new_id(), "short", project_id=tenant.project_id) for _ in range(2))
    decide = turns.decide

    def failing(run, step, world):
        if run.ex.id == bad.execution_id:
            raise RuntimeError("nobody knows why")
        return decide(run, step, world)

    monkeypatch.setattr(turns, "decide", failing)
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    futures = [engine.submit(command) for command in (PauseExecution(new_id()), bad, good)]
    engine.start()
    with pytest.raises(NotFoundError):
        futures[0].result(10)
    with pytest.raises(RuntimeError):
        futures[1].result(10)
    assert futures[2].result(10).id == good.execution_id
    engine.call(StartExecution(new_id(), "short", project_id=tenant.project_id), 10)
    engine.stop(5)


def test_an_action_whose_result_waits_for_a_turn_is_not_silent(store: Store) -> None:
    registry = Registry(find_entry_points=list)
    tell = []

    def executor(on_result):
        tell.append(on_result)
        return ThreadExecutor(registry, on_result, 1)

    engine = Engine(store, registry, executor)
    tell[0]("one", Result(1))
    assert engine.in_flight(1) == ["one"]
    engine.start()
    engine.stop(5)
    assert engine.in_flight(1) == []
