"""While the database cannot be written, callers are told so, and what nobody would ask for again waits."""

import threading
from collections.abc import Iterator

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine
from mistralish.engine.commands import StartExecution
from mistralish.errors import UnavailableError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant

SLOW = """
version: '2.0'
slow:
  tasks:
    t:
      action: std.sleep seconds=1
      publish: {done: true}
  output: {done: <% $.done %>}
"""


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 2))
    engine.start()
    yield engine
    engine.stop(5)


def test_a_result_that_comes_while_the_database_is_away_is_kept_and_callers_get_a_503(
    store: Store, tenant: Tenant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    Definitions(store, tenant).create_workflows(SLOW)
    start = StartExecution(new_id(), "slow", project_id=tenant.project_id)
    engine.call(start)
    working, refused = store.turn, threading.Event()

    def broken(roots: object) -> None:
        refused.set()
        raise UnavailableError("The database cannot do this now")

    monkeypatch.setattr(store, "turn", broken)
    with pytest.raises(UnavailableError):
        engine.call(StartExecution(new_id(), "slow", project_id=tenant.project_id))
    refused.clear()
    assert refused.wait(5), "the action's result came to the broken database"
    monkeypatch.setattr(store, "turn", working)

    waiting = threading.Event()
    for _ in range(100):
        execution = store.get("execution", start.execution_id, tenant=tenant)
        if execution["state"] != "RUNNING":
            break
        waiting.wait(0.1)
    assert (execution["state"], execution["output"]) == ("SUCCESS", {"done": True})
