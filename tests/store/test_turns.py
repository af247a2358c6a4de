"""Turns: what was saved is loaded, all of it or nothing; locks keep two processes apart."""

from dataclasses import replace

import pytest
from store_rows import action, execution, ids, save, task

from mistralish.errors import ConflictError
from mistralish.records import HistoryEvent, Message, Timer
from mistralish.store import Changes, Store, Tenant, spec_id


def test_a_run_comes_back_as_it_was_saved(store: Store) -> None:
    run = execution(
        tags=["x"], input={"n": 10**30}, output=None, params={"env": {}}, context={"a": "é"}, runtime_context={"i": 0}
    )
    one = task(run, state="RUNNING", next_tasks=[["t2", "on-success"]], published=None, started_at=5)
    act = action(one, input=None, output={"result": [1]}, is_sync=None, last_heartbeat=9)
    timer = Timer("timer-1", 10, run.id, {"do": "it"})
    save(
        store,
        run.id,
        insert=[run, one, act],
        add_timers=[timer],
        history=[HistoryEvent(run.id, seq, 7, "created", {"n": seq}) for seq in (1, 2)],
    )
    with store.turn([run.id]) as turn:
        stored = turn.load_run(run.id)
        assert turn.load_run("nope") is None
        assert turn.load_action(act.id) == act
    assert stored is not None
    assert stored.execution == run
    assert stored.tasks == [one]
    assert stored.actions == [act]
    assert stored.children == []
    assert stored.timers == [timer]
    assert stored.history_seq == 2


def test_every_changing_field_of_an_update_is_kept(store: Store) -> None:
    run = execution()
    one = task(run)
    act = action(one)
    save(store, run.id, insert=[run, one, act])
    run = replace(run, state="PAUSED", state_info="why\0\ud800", output={"a": 1}, params={"b": 2}, updated_at=9)
    run = replace(run, description="d", context={"c": 1}, runtime_context={"r": 1}, accepted=True)
    one = replace(one, state="RUNNING", processed=True, has_next_tasks=True, next_tasks=[["a", "b"]], completed_seq=3)
    one = replace(one, error_handled=True, published={"p": 1}, runtime_context={"x": 1}, started_at=1, finished_at=2)
    act = replace(act, state="PAUSED", output={"o": 1}, accepted=True, is_sync=False)
    save(store, run.id, update=[run, one, act])
    with store.turn([run.id]) as turn:
        stored = turn.load_run(run.id)
    assert stored is not None
    # What a database cannot keep as text must not make a commit fail.
    assert stored.execution == replace(run, state_info="why\ufffd\ufffd")
    assert stored.tasks == [one]
    assert stored.actions == [act]


def test_only_what_can_still_matter_is_loaded_with_a_run(store: Store) -> None:
    run = execution()
    done, retried, active = (
        task(run, name="done", state="SUCCESS", processed=True, created_at=1),
        task(run, name="unprocessed", state="ERROR", created_at=2),
        task(run, name="active", state="RUNNING", created_at=3),
    )
    actions = [action(each) for each in (done, retried, active)]
    child = execution(task_execution_id=active.id, root_execution_id=run.id, input={"big": 1}, output={"o": 1})
    save(store, run.id, insert=[run, done, retried, active, *actions, child])
    with store.turn([run.id]) as turn:
        stored = turn.load_run(run.id)
        below = turn.load_children(done.id), turn.load_children(active.id)
    assert stored is not None
    assert [each.name for each in stored.tasks] == ["done", "unprocessed", "active"]
    assert {each.id for each in stored.actions} == {actions[1].id, actions[2].id}
    assert stored.children == [replace(child, input={})]
    assert below == (([actions[0]], []), ([actions[2]], [child]))


def test_a_run_with_more_tasks_than_one_statement_takes_is_loaded_whole(store: Store) -> None:
    run = execution()
    tasks = [task(run, name=f"t{at}", state="RUNNING", created_at=at) for at in range(1300)]
    save(store, run.id, insert=[run, *tasks, *map(action, tasks)])
    with store.turn([run.id]) as turn:
        stored = turn.load_run(run.id)
    assert stored is not None
    assert [each.name for each in stored.tasks] == [f"t{at}" for at in range(1300)]
    assert len(stored.actions) == 1300


def test_a_turn_that_fails_leaves_nothing(store: Store, tenant: Tenant) -> None:
    run = execution()

    def fail_late() -> None:
        with store.turn([run.id]) as turn:
            turn.save(Changes(insert=[run, task(run)], add_timers=[Timer("t", 1, run.id, {})]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_late()
    assert store.find("execution", run.id, tenant=tenant) is None
    assert store.due_timers(10, 10) == []


def test_an_execution_id_is_taken_once(store: Store) -> None:
    run = execution(id="a client's own id")
    save(store, run.id, insert=[run])
    with pytest.raises(ConflictError):
        save(store, run.id, insert=[run])


def test_a_specification_is_kept_once_however_often_it_is_saved(store: Store) -> None:
    data = {"name": "flow", "tasks": {"b": 1, "a": 2}}
    reordered = {"tasks": {"a": 2, "b": 1}, "name": "flow"}
    assert spec_id(data) == spec_id({"name": "flow", "tasks": {"b": 1, "a": 2}})
    assert spec_id(data) != spec_id(reordered), "tasks start in the order in which they are written"
    for _ in range(2):
        save(store, specs={spec_id(data): data})
    assert store.load_spec(spec_id(data)) == data
    assert list(store.load_spec(spec_id(data))["tasks"]) == ["b", "a"]
    assert store.load_spec("unknown") is None


def test_timers_messages_and_acceptance_change_by_id(store: Store, tenant: Tenant) -> None:
    run = execution()
    save(
        store,
        run.id,
        insert=[run],
        add_timers=[Timer("t1", 1, run.id, {}), Timer("t2", 2, run.id, {})],
        add_messages=[Message("m1", run.id, {"a": 1}, 5), Message("m2", run.id, {}, 6)],
    )
    save(store, run.id, remove_timers=["t1"], remove_messages=["m2"], accepted=[(run.id, True)])
    assert store.due_timers(10, 10) == [Timer("t2", 2, run.id, {})]
    assert store.pending_messages(10) == [Message("m1", run.id, {"a": 1}, 5)]
    assert store.get("execution", run.id, tenant=tenant)["accepted"] is True


def test_deleting_an_execution_removes_its_whole_tree_and_nothing_else(store: Store, tenant: Tenant) -> None:
    root, other = execution(), execution()
    caller, kept = task(root, type="WORKFLOW"), task(other)
    child = execution(task_execution_id=caller.id, root_execution_id=root.id)
    below = task(child)
    actions = [action(below), action(kept), action()]
    save(
        store,
        root.id,
        other.id,
        insert=[root, other, caller, kept, child, below, *actions],
        add_timers=[Timer(each.id, 1, each.id, {}) for each in (root, child, other)],
        add_messages=[Message(each.id, each.id, {}, 1) for each in (root, child, other)],
        history=[HistoryEvent(each.id, 1, 1, "x", {}) for each in (root, child, other)],
    )
    save(store, root.id, delete_executions=[root.id], delete_actions=[actions[2].id])
    left = {kind: ids(store, kind, tenant) for kind in ("execution", "task", "action_execution")}
    assert left == {"execution": [other.id], "task": [kept.id], "action_execution": [actions[1].id]}
    assert [timer.id for timer in store.due_timers(10, 10)] == [other.id]
    assert [message.id for message in store.pending_messages(10)] == [other.id]
    save(store, root.id, insert=[root], history=[HistoryEvent(root.id, 1, 1, "x", {})])


def test_a_cron_trigger_is_claimed_once(store: Store, tenant: Tenant) -> None:
    values = {"name": "c", "workflow_name": "flow", "next_execution_time": 100, "remaining_executions": 2}
    trigger = store.create("cron_trigger", values, tenant=tenant)["id"]
    with store.turn([]) as turn:
        assert turn.claim_cron_trigger(trigger, 100, 200, 1)
        assert not turn.claim_cron_trigger(trigger, 100, 200, 1)
    found = store.get("cron_trigger", "c", tenant=tenant)
    assert (found["next_execution_time"], found["remaining_executions"]) == (200, 1)
    with store.turn([]) as turn:
        assert turn.claim_cron_trigger(trigger, 200, 300, 0)
    assert store.find("cron_trigger", "c", tenant=tenant) is None


# SQLite has one writer: whoever has the turn has every root, and nothing is written about roots.
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@on_postgresql
def test_versions_grow_with_every_save_and_locks_are_kept_apart(store: Store, second_store: Store) -> None:
    one, two = execution(), execution()
    save(store, one.id, two.id, insert=[one, two])
    with store.turn([one.id, "new"]) as first:
        assert first.locked == {one.id: 1, "new": 1}
        with second_store.turn([one.id, two.id]) as second:
            assert second.locked == {two.id: 1}
            second.save(Changes(update=[replace(two, state="RUNNING")]))
            assert second.locked == {two.id: 2}
    with store.turn([one.id, two.id]) as turn:
        turn.save(Changes(touched=[]))
        assert turn.locked == {one.id: 1, two.id: 2}, "what nobody has changed is as others know it"
    with second_store.turn([one.id, two.id]) as second:
        assert second.locked == {one.id: 1, two.id: 2}


@on_postgresql
def test_a_root_that_no_execution_was_made_for_leaves_no_trace(store: Store) -> None:
    one = execution()
    with store.turn(["refused", one.id]) as turn:
        assert turn.locked == {"refused": 1, one.id: 1}
        turn.save(Changes(insert=[one]))
        assert turn.locked == {"refused": 1, one.id: 1}
    with store.turn(["refused", one.id]) as turn:
        assert turn.locked == {one.id: 1, "refused": 1}
