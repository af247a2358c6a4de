"""Which executions have expired, and that deleting them leaves nothing behind."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from store_rows import action, execution, save, task

from mistralish.actions import Registry
from mistralish.engine import Engine
from mistralish.executors import ThreadExecutor
from mistralish.records import HistoryEvent, QueuedCall, WorkflowExecution
from mistralish.scheduler import Expiration
from mistralish.store import Changes, Store, Tenant, models, parse_query

MINUTE = 60_000_000
NOW = 1_000 * MINUTE
EVERYBODY = Tenant("ours", all_projects=True)

Expire = Callable[..., int]


@pytest.fixture
def expire(store: Store) -> Iterator[Expire]:
    registry = Registry(find_entry_points=list)
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 1))
    engine.start()

    def run(**settings: Any) -> int:
        chosen = {"older_than": 0, "max_finished": 0, "batch_size": 2, "ignored_states": (), **settings}
        return Expiration(store, engine.submit, now=lambda: NOW, **chosen).run()

    yield run
    engine.stop(2)


def _keep(store: Store, minutes_ago: int, state: str = "SUCCESS", **values: Any) -> WorkflowExecution:
    ended = NOW - minutes_ago * MINUTE
    made = execution(state=state, created_at=ended - 5, updated_at=ended, name=f"{state} {minutes_ago}", **values)
    save(store, made.id, insert=[made])
    return made


def _names(store: Store) -> list[str]:
    query = parse_query("execution", {}, default_limit=100, max_limit=100)
    return sorted(item["name"] for item in store.list("execution", query, tenant=EVERYBODY).items)


def test_what_ended_longer_ago_than_that_goes_whatever_its_project(store: Store, expire: Expire) -> None:
    for minutes in (9, 11, 12, 13, 14):
        _keep(store, minutes, project_id=f"p{minutes}")
    assert expire(older_than=10) == 4
    assert _names(store) == ["SUCCESS 9"]
    assert expire(older_than=10) == 0


def test_what_has_not_ended_or_ended_in_an_ignored_state_stays(store: Store, expire: Expire) -> None:
    for state in ("RUNNING", "PAUSED", "IDLE", "ERROR", "CANCELLED", "SUCCESS"):
        _keep(store, 50, state)
    assert expire(older_than=10, ignored_states=("ERROR", "CANCELLED")) == 1
    assert _names(store) == ["CANCELLED 50", "ERROR 50", "IDLE 50", "PAUSED 50", "RUNNING 50"]


def test_only_the_latest_finished_executions_are_kept(store: Store, expire: Expire) -> None:
    for minutes in (5, 1, 4, 3, 2):
        _keep(store, minutes)
    _keep(store, 100, "RUNNING")
    assert expire(max_finished=2) == 3
    assert _names(store) == ["RUNNING 100", "SUCCESS 1", "SUCCESS 2"]
    assert expire(max_finished=2) == 0


def test_executions_that_ended_at_the_same_time_are_counted_one_by_one(store: Store, expire: Expire) -> None:
    for _ in range(5):
        _keep(store, 1)
    assert expire(max_finished=3) == 2
    assert len(_names(store)) == 3


def test_age_and_number_both_count(store: Store, expire: Expire) -> None:
    for minutes in (1, 2, 3, 20, 30):
        _keep(store, minutes)
    assert expire(older_than=10, max_finished=2) == 3
    assert _names(store) == ["SUCCESS 1", "SUCCESS 2"]


def test_a_child_goes_with_its_root_and_never_before(store: Store, expire: Expire) -> None:
    young = _keep(store, 1)
    owner = task(young)
    child = execution(
        name="child",
        state="SUCCESS",
        created_at=1,
        updated_at=2,
        task_execution_id=owner.id,
        root_execution_id=young.id,
    )
    below = task(child)
    rows = [owner, child, below, action(below)]
    save(store, young.id, insert=rows)
    with store.turn([young.id]) as turn:
        events = [HistoryEvent(child.id, 1, 1, "execution", {})]
        turn.save(Changes(history=events, add_calls=[QueuedCall("a", "far", child.id, {}, 1)]))
    assert expire(older_than=10) == 0
    assert _names(store) == ["SUCCESS 1", "child"]
    _keep(store, 0)
    assert expire(max_finished=1) == 1
    assert _names(store) == ["SUCCESS 0"]
    with store.transaction() as database:
        for model in (models.TaskExecution, models.ActionExecution, models.History, models.QueuedCall):
            assert database.execute(model.select()).fetchall() == []


def test_a_large_execution_goes_piece_by_piece_and_wholly(
    store: Store, expire: Expire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mistralish.scheduler.expiration.ROWS", 7)
    large = _keep(store, 50)
    for _ in range(3):
        owner = task(large)
        child = execution(state="SUCCESS", task_execution_id=owner.id, root_execution_id=large.id)
        below = task(child)
        save(store, large.id, insert=[owner, child, below, *(action(below) for _ in range(10))])
        with store.turn([large.id]) as turn:
            turn.save(Changes(history=[HistoryEvent(child.id, seq, 1, "task", {}) for seq in range(1, 20)]))
    other = _keep(store, 1)
    kept = task(other)
    save(store, other.id, insert=[kept, action(kept)])
    assert expire(older_than=10) == 1
    assert _names(store) == ["SUCCESS 1"]
    with store.transaction() as database:
        counts = [
            len(database.execute(model.select()).fetchall())
            for model in (models.WorkflowExecution, models.TaskExecution, models.ActionExecution, models.History)
        ]
    assert counts == [1, 1, 1, 0]


def test_no_turn_removes_many_more_rows_than_it_may(store: Store) -> None:
    large = _keep(store, 50)
    owner = task(large)
    save(store, large.id, insert=[owner, *(action(owner) for _ in range(25))])
    with store.turn([large.id]) as turn:
        turn.save(Changes(history=[HistoryEvent(large.id, seq, 1, "action", {}) for seq in range(1, 26)]))
    turns = 0
    gone = False
    while not gone:
        with store.turn([large.id]) as turn:
            gone = turn.empty(large.id, 10)
        turns += 1
    assert turns == 6


def test_it_ends_early_where_the_service_is_stopping(store: Store, expire: Expire) -> None:
    for _ in range(6):
        _keep(store, 50)
    assert expire(older_than=10, batch_size=1, is_stopping=lambda: len(_names(store)) == 4) == 2
    assert len(_names(store)) == 4


def test_there_is_nothing_to_do_where_every_state_is_ignored_or_no_limit_set(store: Store) -> None:
    def wanted(**settings: Any) -> bool:
        chosen = {"older_than": 0, "max_finished": 0, "batch_size": 2, "ignored_states": (), **settings}
        return Expiration(store, lambda command: None, **chosen).is_wanted  # type: ignore[arg-type,return-value]

    assert not wanted()
    assert wanted(older_than=1)
    assert wanted(max_finished=1)
    assert not wanted(older_than=1, ignored_states=("SUCCESS", "ERROR", "CANCELLED"))
