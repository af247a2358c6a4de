"""Messages on a database that several processes share: handled once, whoever does it, and never forgotten."""

import threading
import time
from collections.abc import Callable, Iterable

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, loop, pace, steps
from mistralish.engine.commands import ActionFinished, StartExecution
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.records import Message
from mistralish.store import Changes, Store, Tenant, Turn, parse_query

OURS = Tenant("ours")
DEFINITION = """
version: '2.0'
waiting:
  tasks:
    before: {action: std.async_noop, on-success: after}
    after: {action: std.async_noop}
"""

ITEMS = """
version: '2.0'
items:
  tasks: {each: {with-items: i in <% range(900) %>, action: std.echo output=<% $.i %>}}
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


def _leave_messages(store: Store, count: int) -> list[str]:
    """Executions whose action's result is known only to a message, as a process that died may have left it."""
    engine = _engine(store)
    engine.start()
    if not store.find("workflow", "waiting", tenant=OURS):
        Definitions(store, OURS).create_workflows(DEFINITION)
    known = {action.id for action in store.unfinished_actions(100)}
    for _ in range(count):
        engine.call(StartExecution(new_id(), "waiting", project_id="ours"))
    engine.admissions.wait("ours")
    made = [action for action in store.unfinished_actions(100) if action.id not in known]
    engine.stop(1)
    for action in made:
        execution_id, step = str(action.workflow_execution_id), steps.ActionResult(action.id, data=1)
        with store.turn([execution_id]) as turn:
            turn.save(Changes(add_messages=[Message(new_id(), execution_id, steps.to_json(step), 1)]))
    return [str(action.id) for action in made]


def test_a_message_that_two_processes_find_is_handled_once(store: Store, second_store: Store) -> None:
    _leave_messages(store, 1)
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
    (action_id,) = _leave_messages(store, 1)
    living.adopt_messages(30)
    _wait_for(lambda: not store.pending_messages(10))
    assert _tasks(store) == ["after", "before"]
    with pytest.raises(Exception, match="already completed"):
        living.call(ActionFinished(action_id, data=2))
    living.stop(5)


def test_a_message_that_is_young_is_left_to_the_process_that_has_made_it(store: Store, second_store: Store) -> None:
    living = _engine(second_store)
    living.start()
    _leave_messages(store, 1)
    living.adopt_messages(10**10)
    living.stop(5)
    assert len(store.pending_messages(10)) == 1


def test_actions_that_run_within_turns_are_never_thought_lost_however_long_their_results_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Definitions(store, OURS).create_workflows(ITEMS)
    turn, looked, taken = store.turn, threading.Event(), []

    def only_the_first_two_until_we_looked(roots: Iterable[str]) -> Turn:
        taken.append(roots)
        if len(taken) > 2:
            looked.wait(20)
        return turn(roots)

    monkeypatch.setattr(pace, "SECONDS_BETWEEN_CALLERS", -1.0)
    monkeypatch.setattr(pace, "SECONDS_TO_FINISH", -1.0)
    monkeypatch.setattr(store, "turn", only_the_first_two_until_we_looked)
    engine = _engine(store)
    engine.start()
    engine.call(StartExecution(new_id(), "items", project_id="ours"))
    engine.admissions.wait("ours")
    assert store.unfinished_actions(1)
    assert store.silent_actions(2**62, 1) == []
    looked.set()
    engine.stop(20)


def test_a_turn_locks_no_more_trees_than_it_comes_to_so_that_others_can_decide_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        _leave_messages(store, 20)
    locked: list[int] = []
    turn = store.turn

    def counted(roots: Iterable[str]) -> Turn:
        wanted = set(roots)
        locked.append(len(wanted))
        return turn(wanted)

    monkeypatch.setattr(pace, "TURN_SECONDS", 0)
    monkeypatch.setattr(store, "turn", counted)
    engine = _engine(store)
    engine.start()
    _wait_for(lambda: not store.pending_messages(1))
    engine.stop(5)
    assert max(locked[1:]) <= loop.LEAST_REACH < sum(locked)
    assert _tasks(store).count("after") == 40
