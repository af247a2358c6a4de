"""What is waiting is found, in order and within its bound."""

from store_rows import action, execution, save, task

from mistralish.records import Message, Timer
from mistralish.store import Store, Tenant


def test_timers_come_most_overdue_first_and_within_the_limit(store: Store) -> None:
    timers = [Timer(f"t{at}", due, "e", {"n": at}) for at, due in enumerate((50, 10, 30, 99))]
    save(store, add_timers=timers)
    assert store.next_timer_at() == 10
    assert [timer.due_at for timer in store.due_timers(50, 10)] == [10, 30, 50]
    assert [timer.due_at for timer in store.due_timers(50, 2)] == [10, 30]
    save(store, remove_timers=[timer.id for timer in timers])
    assert store.next_timer_at() is None
    assert store.due_timers(100, 5) == []


def test_messages_come_by_id(store: Store) -> None:
    save(store, add_messages=[Message(name, "e", {"x": name}, 1) for name in ("b", "a", "c")])
    assert [message.id for message in store.pending_messages(2)] == ["a", "b"]


def test_unfinished_work_is_walked_page_by_page(store: Store) -> None:
    run, done = execution(state="RUNNING"), execution(state="SUCCESS")
    one = task(run)
    states = ("RUNNING", "SUCCESS", "PAUSED", "ERROR", "IDLE", "CANCELLED", "DELAYED")
    actions = [action(one, id=f"a{at}", state=state) for at, state in enumerate(states)]
    save(store, run.id, insert=[run, done, one, *actions])
    first = store.unfinished_actions(2)
    rest = store.unfinished_actions(10, after=first[-1].id)
    assert [each.id for each in first + rest] == ["a0", "a2", "a4", "a6"]
    assert [each.id for each in store.unfinished_executions(10)] == [run.id]


def test_everything_is_located_by_its_root(store: Store) -> None:
    root = execution()
    caller = task(root)
    child = execution(task_execution_id=caller.id, root_execution_id=root.id)
    below = task(child)
    act, alone = action(below), action()
    save(store, root.id, insert=[root, caller, child, below, act, alone])
    assert store.locate_execution(root.id) == (root.id, root.id)
    assert store.locate_execution(child.id) == (child.id, root.id)
    assert store.locate_task(below.id) == (child.id, root.id)
    assert store.locate_action(act.id) == (child.id, root.id)
    assert store.locate_action(alone.id) == (None, alone.id)
    assert store.locate_execution("x") is store.locate_task("x") is store.locate_action("x") is None


def test_due_triggers_of_all_projects_come_most_overdue_first(store: Store) -> None:
    assert store.next_cron_at() is None
    for at, (project, due) in enumerate((("a", 30), ("b", 10), ("c", 99))):
        values = {"name": f"c{at}", "workflow_name": "flow", "next_execution_time": due, "workflow_input": {"x": at}}
        store.create("cron_trigger", values, tenant=Tenant(project))
    assert store.next_cron_at() == 10
    assert [trigger["workflow_input"] for trigger in store.due_cron_triggers(50, 10)] == [{"x": 1}, {"x": 0}]
    assert len(store.due_cron_triggers(100, 1)) == 1


def test_of_unfinished_actions_those_that_only_wait_for_a_result_are_not_under_way(store: Store) -> None:
    run = execution(state="RUNNING")
    own = task(run, state="RUNNING")
    found = [
        action(own, state=state, is_sync=is_sync)
        for state in ("RUNNING", "PAUSED", "SUCCESS")
        for is_sync in (True, False, None)
    ]
    save(store, insert=[run, own, *found])
    assert {each.id for each in store.actions_under_way(10)} == {found[0].id, found[2].id}
