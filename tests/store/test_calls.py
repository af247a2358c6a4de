"""Calls that wait for executors, and the signs of life of those under way."""

import pytest
from store_rows import action, execution, save, task

from mistralish.records import QueuedCall
from mistralish.store import Changes, Store


def _keep_calls(store: Store, *calls: tuple[str, str]) -> None:
    with store.turn(["r"]) as turn:
        turn.save(Changes(add_calls=[QueuedCall(name, target, None, {"action": name}, 1) for name, target in calls]))


def test_a_call_is_given_to_one_taker_of_its_target_only(store: Store, second_store: Store) -> None:
    _keep_calls(store, ("a1", "near"), ("a2", "far"), ("a3", "far"))
    assert [call.id for call in second_store.take_calls("far", 1, 5)] == ["a2"]
    assert store.take_calls("far", 10, 5) == [QueuedCall("a3", "far", None, {"action": "a3"}, 1)]
    assert second_store.take_calls("far", 10, 5) == []
    assert [call.id for call in store.take_calls("near", 10, 5)] == ["a1"]


def test_no_call_is_taken_where_there_is_no_room(store: Store) -> None:
    _keep_calls(store, ("a1", "near"))
    assert store.take_calls("near", 0, 5) == []
    assert len(store.take_calls("near", 1, 5)) == 1


def test_taking_a_call_is_a_sign_of_life(store: Store) -> None:
    run = execution()
    owner = task(run)
    act = action(owner, last_heartbeat=1, is_sync=True)
    save(store, run.id, insert=[run, owner, act])
    _keep_calls(store, (act.id, "near"))
    assert [each.id for each in store.silent_actions(9, 10)] == [act.id]
    store.take_calls("near", 1, 9)
    assert store.silent_actions(9, 10) == []


def test_only_running_synchronous_actions_that_were_silent_are_found(store: Store) -> None:
    run = execution()
    owner = task(run)
    silent = [action(owner, last_heartbeat=4, is_sync=True) for _ in range(3)]
    others = [
        action(owner, last_heartbeat=5, is_sync=True),
        action(owner, last_heartbeat=None, is_sync=True),
        action(owner, last_heartbeat=1, is_sync=False),
        action(owner, last_heartbeat=1, is_sync=True, state="SUCCESS"),
        action(owner, last_heartbeat=1, is_sync=True, state="PAUSED"),
    ]
    save(store, run.id, insert=[run, owner, *others, *silent])
    first = store.silent_actions(5, 2)
    assert [each.id for each in first] == [each.id for each in silent[:2]]
    assert [each.id for each in store.silent_actions(5, 2, first[-1].id)] == [silent[2].id]
    store.beat([each.id for each in silent], 5)
    assert store.silent_actions(5, 10) == []


def test_a_sign_of_life_survives_what_a_turn_writes_of_the_action(store: Store) -> None:
    run = execution()
    owner = task(run)
    act = action(owner, last_heartbeat=1, is_sync=True)
    save(store, run.id, insert=[run, owner, act])
    store.beat([act.id], 7)
    act.output = {"result": 1}
    save(store, run.id, update=[act])
    with store.turn([run.id]) as turn:
        stored = turn.load_action(act.id)
    assert stored is not None
    assert (stored.output, stored.last_heartbeat) == ({"result": 1}, 7)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_sign_of_life_never_waits_for_a_turn(store: Store, second_store: Store) -> None:
    run = execution()
    owner = task(run)
    acts = [action(owner, last_heartbeat=1, is_sync=True) for _ in range(2)]
    save(store, run.id, insert=[run, owner, *acts])
    with store.turn([run.id]) as turn:
        turn.beat(acts[0].id, 2)
        second_store.beat([act.id for act in acts], 7)
    assert [act.last_heartbeat for act in store.silent_actions(100, 10)] == [2, 7]
