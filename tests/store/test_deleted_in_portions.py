"""A large execution is deleted in portions, by clients too: others wait for none of it, and nothing is left."""

import threading
import time
from collections.abc import Iterator

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine
from mistralish.engine.commands import DeleteExecution, StartExecution
from mistralish.errors import NotFoundError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant, models

WIDE = """
version: '2.0'
below:
  tasks: {t: {action: std.noop}}
wide:
  tasks:
    items: {with-items: i in <% range(600) %>, action: std.echo output=<% $.i %>}
    children: {with-items: i in <% range(60) %>, workflow: below}
held:
  tasks:
    items: {with-items: i in <% range(600) %>, action: std.echo output=<% $.i %>, on-success: wait}
    wait: {action: std.async_noop, timeout: 1000}
    children: {with-items: i in <% range(60) %>, workflow: waiting}
waiting:
  tasks: {t: {action: std.async_noop}}
"""
KEPT = (
    *(models.WorkflowExecution, models.TaskExecution, models.ActionExecution, models.QueuedCall),
    *(models.Timer, models.Message, models.History, models.Root),
)


@pytest.fixture
def engine(store: Store, tenant: Tenant) -> Iterator[Engine]:
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 2))
    engine.start()
    Definitions(store, tenant).create_workflows(WIDE)
    yield engine
    engine.stop(5)


def _started(engine: Engine, store: Store, tenant: Tenant, name: str, until: str) -> str:
    identifier = new_id()
    engine.call(StartExecution(identifier, name, project_id=tenant.project_id))

    def there() -> bool | None:
        rows = _rows(store, models.TaskExecution)
        return None if rows < 3 or store.get("execution", identifier, tenant=tenant)["state"] != until else True

    assert engine.watchers.wait_until(identifier, there, 30)
    return identifier


def _rows(store: Store, model: type[models.Row]) -> int:
    with store.transaction() as database:
        return len(database.execute(model.select()).fetchall())


def _delete(engine: Engine, identifier: str, *, force: bool, at_most: int) -> int:
    count = 1
    while engine.call(DeleteExecution(identifier, force=force, at_most=at_most)) is False:
        count += 1
    return count


@pytest.mark.parametrize(("name", "state", "force"), [("wide", "SUCCESS", False), ("held", "RUNNING", True)])
def test_a_large_execution_goes_in_portions_whether_it_has_ended_or_not(
    store: Store, tenant: Tenant, engine: Engine, name: str, state: str, force: bool
) -> None:
    identifier = _started(engine, store, tenant, name, state)
    assert _delete(engine, identifier, force=force, at_most=100) > 5
    with pytest.raises(NotFoundError):
        engine.call(DeleteExecution(identifier, force=True))
    engine.stop(10)
    assert {model.__name__: count for model in KEPT if (count := _rows(store, model))} == {}


def test_nothing_goes_on_in_an_execution_that_is_being_removed(store: Store, tenant: Tenant, engine: Engine) -> None:
    identifier = _started(engine, store, tenant, "held", "RUNNING")
    assert engine.call(DeleteExecution(identifier, force=True, at_most=10)) is False
    assert store.get("execution", identifier, tenant=tenant)["state"] == "CANCELLED"


def test_others_are_served_between_the_portions(store: Store, tenant: Tenant, engine: Engine) -> None:
    identifier = _started(engine, store, tenant, "wide", "SUCCESS")
    served, stop = [], threading.Event()

    def other() -> None:
        while not stop.is_set():
            began = time.monotonic()
            engine.call(StartExecution(new_id(), "below", project_id=tenant.project_id))
            served.append(time.monotonic() - began)

    client = threading.Thread(target=other)
    client.start()
    portions = _delete(engine, identifier, force=False, at_most=100)
    stop.set()
    client.join()
    assert portions > 5
    assert len(served) >= portions // 2
