"""Messages on a database that several processes share: handled once, whoever does it, and never forgotten."""

import threading
import time
from collections.abc import Callable

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, steps
from mistralish.engine.commands import ActionFinished, StartExecution
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.records import Message
from mistralish.store import Changes, Store, Tenant, parse_query

OURS = Tenant("ours")
DEFINITION = """
version: '2.0'
waiting:
  tasks:
    before: {action: std.async_noop, on-success: after}
    after: {action: std.async_noop}
"""

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite is one process's own


def _engine(store: Store) -> Engine:
    registry = Registry(find_entry_points=list)
    return Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))


def _wait_for(check: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def _tasks(store: Store) -> list[str]:
    query = parse_query("task", {}, default_limit=100, max_limit=100)
    return sorted(task["name"] for task in store.list("task", query, tenant=OURS).items)


def _leave_a_message(store: Store) -> str:
    """An execution whose action's result is known only to a message, as a process that died may have left it."""
    engine = _engine(store)
    engine.start()
    Definitions(store, OURS).create_workflows(DEFINITION)
    execution = engine.call(StartExecution(new_id(), "waiting", project_id="ours"))
    (action,) = store.unfinished_actions(10)
    engine.stop(1)
    step = steps.ActionResult(action.id, data=1)
    with store.turn([execution.id]) as turn:
        turn.save(Changes(add_messages=[Message(new_id(), execution.id, steps.to_json(step), 1)]))
    return str(action.id)


def test_a_message_that_two_processes_find_is_handled_once(store: Store, second_store: Store) -> None:
    _leave_a_message(store)
    engines = [_engine(store), _engine(second_store)]
    starts = [threading.Thread(target=engine.start) for engine in engines]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    _wait_for(lambda: not store.pending_messages(10))
    for engine in engines:
        engine.adopt_messages(0)
        engine.stop(5)
    assert _tasks(store) == ["after", "before"]


def test_a_living_process_sees_to_messages_that_a_dead_one_has_left(store: Store, second_store: Store) -> None:
    living = _engine(second_store)
    living.start()
    action_id = _leave_a_message(store)
    living.adopt_messages(30)
    _wait_for(lambda: not store.pending_messages(10))
    assert _tasks(store) == ["after", "before"]
    with pytest.raises(Exception, match="already completed"):
        living.call(ActionFinished(action_id, data=2))
    living.stop(5)


def test_a_message_that_is_young_is_left_to_the_process_that_has_made_it(store: Store, second_store: Store) -> None:
    living = _engine(second_store)
    living.start()
    _leave_a_message(store)
    living.adopt_messages(10**10)
    living.stop(5)
    assert len(store.pending_messages(10)) == 1
