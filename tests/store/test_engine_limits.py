"""What an author may have at once is bounded by the running engine, on both databases."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from mistralish import states
from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine
from mistralish.engine.commands import ActionFinished, CronClaim, DeleteExecution, StartExecution, StopExecution
from mistralish.engine.machine.actions import MAX_DEPTH
from mistralish.engine.machine.items import MAX_ITEMS
from mistralish.errors import TooManyError
from mistralish.executors import ThreadExecutor
from mistralish.ids import new_id
from mistralish.store import Store, Tenant

MOST = 5
WORKFLOWS = """
version: '2.0'
waits:
  tasks:
    a: {action: std.async_noop}
many:
  tasks:
    a: {with-items: x in <% range(10) %>, workflow: waits}
itself:
  tasks:
    again: {workflow: itself, on-error: caught}
    caught: {action: std.noop}
items:
  input: [list]
  tasks:
    a: {with-items: x in <% $.list %>, action: std.noop, on-error: caught}
    caught: {action: std.noop}
publishes:
  tasks:
    a: {action: std.async_noop, publish: {v: <% task().result %>}, on-success: [echo, named, sub, fails]}
    echo: {action: std.echo, input: {output: <% $.v.text %>}, publish: {again: <% task().result %>}}
    sub: {workflow: <% $.v.text %>, on-error: noop}
    fails: {action: std.fail, input: {error_data: <% $.v.text %>}, on-error: noop}
    named: {action: std.noop, target: <% $.v.text %>, on-error: noop}
"""


@pytest.fixture
def engine(store: Store, tenant: Tenant) -> Iterator[Engine]:
    registry = Registry()
    engine = Engine(
        store, registry, lambda on_result: ThreadExecutor(registry, on_result, 2), field_limit_kb=-1, most_running=MOST
    )
    engine.start()
    Definitions(store, tenant).create_workflows(WORKFLOWS)
    yield engine
    engine.stop(5)


def start(engine: Engine, tenant: Tenant, workflow: str, **more: Any) -> str:
    execution_id = new_id()
    engine.call(StartExecution(execution_id, workflow, project_id=tenant.project_id, **more))
    return execution_id


def ended(store: Store, tenant: Tenant, execution_id: str) -> dict[str, Any]:
    give_up_at = time.monotonic() + 20
    while (found := store.get("execution", execution_id, tenant=tenant))["state"] == states.RUNNING:
        assert time.monotonic() < give_up_at, "it still runs"
        time.sleep(0.02)
    return found


def infos(store: Store, tenant: Tenant, execution_id: str) -> dict[str, tuple[str, str | None]]:
    with store.turn([execution_id]) as turn:
        run = turn.load_run(execution_id)
    assert run is not None
    return {task.name: (task.state, task.state_info) for task in run.tasks}


def test_a_project_has_only_so_many_executions_under_way(store: Store, tenant: Tenant, engine: Engine) -> None:
    begun = [start(engine, tenant, "waits") for _ in range(MOST)]
    with pytest.raises(TooManyError, match=f"{MOST} executions that have not ended.*max_running_executions"):
        start(engine, tenant, "waits")
    assert TooManyError.status == 429
    other = StartExecution(begun[0], "waits", project_id=tenant.project_id)
    assert engine.call(other).id == begun[0], "an execution that is there already is answered, not started"
    engine.call(StopExecution(begun[0], states.CANCELLED))
    engine.call(DeleteExecution(begun[1], force=True))
    for _ in range(2):
        start(engine, tenant, "waits")
    with pytest.raises(TooManyError):
        start(engine, tenant, "waits")


def test_starts_of_one_turn_are_counted_too(tenant: Tenant, engine: Engine) -> None:
    futures = [engine.submit(StartExecution(new_id(), "waits", project_id=tenant.project_id)) for _ in range(4 * MOST)]
    outcomes = [future.exception(10) for future in futures]
    assert outcomes.count(None) == MOST
    assert all(isinstance(each, TooManyError) for each in outcomes if each is not None)


def test_sub_workflows_and_other_projects_do_not_count(tenant: Tenant, engine: Engine) -> None:
    for _ in range(MOST):
        start(engine, tenant, "many")
    with pytest.raises(TooManyError):
        start(engine, tenant, "many")


def test_a_firing_of_a_trigger_for_which_there_is_no_room_is_left_out(
    store: Store, tenant: Tenant, engine: Engine
) -> None:
    for _ in range(MOST):
        start(engine, tenant, "waits")
    values = {
        "name": "often",
        "workflow_name": "waits",
        "pattern": "* * * * *",
        "next_execution_time": 1_000,
        "first_execution_time": None,
    }
    trigger = store.create("cron_trigger", values, tenant=tenant)
    claim = CronClaim(trigger["id"], 1_000, 2_000, None)
    with pytest.raises(TooManyError):
        start(engine, tenant, "waits", claim=claim)
    assert store.get("cron_trigger", trigger["id"], tenant=tenant)["next_execution_time"] == 2_000


def test_a_workflow_that_calls_itself_ends_and_its_parent_can_take_care_of_that(
    store: Store, tenant: Tenant, engine: Engine
) -> None:
    execution_id = start(engine, tenant, "itself")
    assert ended(store, tenant, execution_id)["state"] == states.SUCCESS
    depth, lowest = 0, execution_id
    while below := _child(store, lowest):
        depth, lowest = depth + 1, below
    assert depth == MAX_DEPTH
    tasks = infos(store, tenant, lowest)
    assert tasks["again"][0] == states.ERROR
    assert f"{MAX_DEPTH} sub-workflows within each other" in str(tasks["again"][1])
    assert tasks["caught"][0] == states.SUCCESS
    engine.call(DeleteExecution(execution_id))
    assert _child(store, execution_id) is None


def test_too_many_items_fail_their_task_plainly(store: Store, tenant: Tenant, engine: Engine) -> None:
    execution_id = start(engine, tenant, "items", input={"list": [0] * (MAX_ITEMS + 1)})
    assert ended(store, tenant, execution_id)["state"] == states.SUCCESS
    tasks = infos(store, tenant, execution_id)
    assert tasks["a"] == (
        states.ERROR,
        f"Task 'a' has {MAX_ITEMS + 1} items: at most {MAX_ITEMS} are allowed; share them out among several tasks",
    )


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "\0", "\ufffe\uffff"])
def test_values_that_no_database_likes_stop_nobody_but_their_own_execution(
    store: Store, tenant: Tenant, engine: Engine, text: str
) -> None:
    execution_id = start(engine, tenant, "publishes")
    engine.admissions.wait(tenant.project_id)
    with store.turn([execution_id]) as turn:
        run = turn.load_run(execution_id)
    assert run is not None
    engine.call(ActionFinished(run.actions[0].id, data={"text": text}))
    other = start(engine, tenant, "waits")
    assert store.get("execution", other, tenant=tenant)["state"] == states.RUNNING
    assert "Internal error" not in str(infos(store, tenant, execution_id))


def _child(store: Store, execution_id: str) -> str | None:
    with store.turn([execution_id]) as turn:
        run = turn.load_run(execution_id)
        if run is None:
            return None
        for task in run.tasks:
            _, executions = turn.load_children(task.id)
            if executions:
                return executions[0].id
    return None
