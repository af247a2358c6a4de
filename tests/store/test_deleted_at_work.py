"""An execution that is deleted while much of it is still to be decided is gone with all that belongs to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine
from mistralish.engine.commands import DeleteExecution, StartExecution, TimerDue
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant, models

MANY = """
version: '2.0'
below:
  tasks: {t: {action: std.noop}}
many:
  tasks:
    start: {action: std.noop, on-success: [items, children]}
    items: {with-items: i in <% range(800) %>, action: std.echo output=<% $.i %>}
    children: {with-items: i in <% range(100) %>, workflow: below}
"""
KEPT = (
    *(models.WorkflowExecution, models.TaskExecution, models.ActionExecution),
    *(models.Timer, models.Message, models.History, models.Root),
)


WAITING = """
version: '2.0'
waiting:
  tasks: {t: {action: std.noop, wait-before: 3600}}
"""


def _engine(store: Store) -> Engine:
    registry = Registry(find_entry_points=list)
    return Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 2))


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    engine = _engine(store)
    engine.start()
    yield engine
    engine.stop(5)


def test_what_is_left_of_a_deleted_execution_is_not_decided(store: Store, tenant: Tenant, engine: Engine) -> None:
    Definitions(store, tenant).create_workflows(MANY)
    for _ in range(5):
        start = StartExecution(new_id(), "many", project_id=tenant.project_id)
        engine.call(start)
        engine.call(DeleteExecution(start.execution_id, force=True))
    last = StartExecution(new_id(), "below", project_id=tenant.project_id)
    engine.call(last)
    engine.call(DeleteExecution(last.execution_id, force=True))
    engine.stop(10)
    assert _left(store) == {}


def test_what_was_decided_of_an_execution_in_the_turn_that_deletes_it_goes_too(
    store: Store, tenant: Tenant, engine: Engine
) -> None:
    Definitions(store, tenant).create_workflows(WAITING)
    start = StartExecution(new_id(), "waiting", project_id=tenant.project_id)
    delete = DeleteExecution(start.execution_id, force=True, at_most=100)
    engine.call(start)
    assert engine.call(delete) is False, "it is cancelled first"
    engine.stop(5)
    (timer,) = store.due_timers(2**62, 10)
    following = _engine(store)
    answers = [following.submit(command) for command in (TimerDue(timer.id, timer.execution_id, timer.command), delete)]
    following.start()
    answers[0].result(10)
    while answers[-1].result(10) is False:
        answers.append(following.submit(delete))
    following.stop(5)
    assert _left(store) == {}


def _left(store: Store) -> dict[str, list[Any]]:
    with store.transaction() as database:
        rows = {model.__name__: database.execute(model.select().limit(3)).fetchall() for model in KEPT}
    return {name: found for name, found in rows.items() if found}
