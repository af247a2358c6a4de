"""The Python API of python-mistralclient against the real server, without authentication."""

import json
from typing import Any

import pytest
from peers import wait_for
from rest import unique
from serving import Server

client_module = pytest.importorskip("mistralclient.api.client", reason="pip install python-mistralclient")
api_base = pytest.importorskip("mistralclient.api.base")

WAITS = (
    "version: '2.0'\n{name}:\n  tasks:\n    wait: {{action: std.async_noop, publish: {{got: <% task().result %>}}}}\n"
)


@pytest.fixture(scope="module")
def mistral(server: Server) -> Any:
    return client_module.client(mistral_url=server.url)


@pytest.fixture
def waiting(mistral: Any) -> Any:
    """A running execution that waits in an asynchronous action."""
    name = unique("waits")
    mistral.workflows.create(WAITS.format(name=name))
    execution = mistral.executions.create(name)
    wait_for(lambda: running_action(mistral, execution.id), 15, "its action")
    return execution


def running_action(mistral: Any, execution_id: str) -> Any:
    tasks = mistral.tasks.list(workflow_execution_id=execution_id)
    actions = mistral.action_executions.list(task_execution_id=tasks[0].id) if tasks else []
    return next((action for action in actions if action.state == "RUNNING"), None)


def wait_state(mistral: Any, execution_id: str, state: str) -> Any:
    wait_for(lambda: mistral.executions.get(execution_id).state == state, 15, f"{execution_id} in {state}")
    return mistral.executions.get(execution_id)


def test_workflows_create_list_get_update_validate_delete(mistral: Any) -> None:
    name = unique("wf")
    (created,) = mistral.workflows.create(WAITS.format(name=name), namespace="team")
    assert (created.name, created.namespace, created.scope) == (name, "team", "private")
    assert [row.id for row in mistral.workflows.list(namespace="team", name=name)] == [created.id]
    assert mistral.workflows.get(name, "team").definition == WAITS.format(name=name)
    longer = WAITS.format(name=name).replace("  tasks:", "  tags: [changed]\n  tasks:")
    (updated,) = mistral.workflows.update(longer, namespace="team")
    assert (updated.id, updated.tags) == (created.id, ["changed"])
    assert mistral.workflows.validate("version: '2.0'\nx: {}")["valid"] is False
    mistral.workflows.delete(name, "team")
    with pytest.raises(api_base.APIException) as refused:
        mistral.workflows.get(name, "team")
    assert refused.value.error_code == 404
    assert name in str(refused.value)


def test_an_execution_goes_through_its_life(mistral: Any, waiting: Any) -> None:
    assert mistral.executions.update(waiting.id, "PAUSED").state == "PAUSED"
    assert mistral.executions.update(waiting.id, "RUNNING").state == "RUNNING"
    action = running_action(mistral, waiting.id)
    finished = mistral.action_executions.update(action.id, "SUCCESS", json.dumps({"n": 3}))
    assert finished.state == "SUCCESS"
    ended = wait_state(mistral, waiting.id, "SUCCESS")
    assert ended.to_dict()["workflow_name"].startswith("waits")
    (task,) = mistral.tasks.list(workflow_execution_id=waiting.id)
    assert json.loads(mistral.tasks.get(task.id).published) == {"got": {"n": 3}}
    assert json.loads(mistral.tasks.get(task.id).result) == {"n": 3}
    mistral.executions.delete(waiting.id)
    with pytest.raises(api_base.APIException) as refused:
        mistral.executions.get(waiting.id)
    assert refused.value.error_code == 404


def test_an_unfinished_execution_is_deleted_only_by_force(mistral: Any, waiting: Any) -> None:
    with pytest.raises(api_base.APIException) as refused:
        mistral.executions.delete(waiting.id)
    assert refused.value.error_code in (400, 403)
    assert mistral.executions.get(waiting.id).state == "RUNNING"
    mistral.executions.delete(waiting.id, force=True)
    with pytest.raises(api_base.APIException):
        mistral.executions.get(waiting.id)


def test_a_failed_task_is_rerun(mistral: Any, waiting: Any) -> None:
    action = running_action(mistral, waiting.id)
    mistral.action_executions.update(action.id, "ERROR", json.dumps({"why": "no"}))
    wait_state(mistral, waiting.id, "ERROR")
    (task,) = mistral.tasks.list(workflow_execution_id=waiting.id)
    mistral.tasks.rerun(task.id)
    again = wait_for(lambda: running_action(mistral, waiting.id), 15, "the action again")
    mistral.action_executions.update(again.id, "SUCCESS", json.dumps({"n": 1}))
    wait_state(mistral, waiting.id, "SUCCESS")


def test_sub_executions_and_report(mistral: Any) -> None:
    name = unique("tree")
    text = (
        f"version: '2.0'\n{name}:\n  tasks:\n    call: {{workflow: {name}-child}}\n"
        f"{name}-child:\n  tasks:\n    t: {{action: std.noop}}\n"
    )
    assert len(mistral.workflows.create(text)) == 2
    execution = wait_state(mistral, mistral.executions.create(name).id, "SUCCESS")
    below = mistral.executions.get_ex_sub_executions(execution.id)
    assert {row.workflow_name for row in below} >= {f"{name}-child"}
    report = mistral.executions.get_report(execution.id, errors_only=False)
    assert report["root_workflow_execution"]["name"] == name
    assert report["statistics"]["success_tasks_count"] == 2


def test_an_action_runs_at_once_and_later(mistral: Any) -> None:
    at_once = mistral.action_executions.create("std.echo", {"output": [1, 2]}, run_sync=True)
    assert json.loads(at_once.output) == {"result": [1, 2]}
    later = mistral.action_executions.create("std.echo", {"output": "saved"}, save_result=True)
    wait_for(lambda: mistral.action_executions.get(later.id).state == "SUCCESS", 15, "the saved action")
    assert json.loads(mistral.action_executions.get(later.id).output) == {"result": "saved"}


def test_environments_create_update_list_delete(mistral: Any) -> None:
    name = unique("env")
    made = mistral.environments.create(name=name, variables=json.dumps({"a": {"b": 1}}), description="d")
    assert made.variables == {"a": {"b": 1}}
    mistral.environments.update(name=name, variables=json.dumps({"a": {"c": 2}}))
    assert mistral.environments.get(name).variables == {"a": {"c": 2}}
    assert name in [row.name for row in mistral.environments.list()]
    mistral.environments.delete(name)
    with pytest.raises(api_base.APIException):
        mistral.environments.get(name)


def test_actions_and_workbooks_crud(mistral: Any) -> None:
    name = unique("adhoc")
    (action,) = mistral.actions.create(f"version: '2.0'\n{name}:\n  base: std.noop\n")
    assert (action.name, action.is_system) == (name, False)
    assert mistral.actions.get(name).id == action.id
    mistral.actions.delete(name)
    text = f"version: '2.0'\nname: {name}\nworkflows:\n  w:\n    tasks:\n      t: {{action: std.noop}}\n"
    assert mistral.workbooks.create(text).name == name
    assert mistral.workflows.get(f"{name}.w").name == f"{name}.w"
    assert mistral.workbooks.get(name).definition == text
    mistral.workbooks.delete(name)


def test_cron_triggers_create_get_list_delete(mistral: Any) -> None:
    workflow, name = unique("waits"), unique("cron")
    mistral.workflows.create(WAITS.format(name=workflow))
    made = mistral.cron_triggers.create(name, workflow, pattern="0 3 * * 1", count=5, first_time="2099-01-01 10:00")
    assert (made.name, made.pattern, made.remaining_executions) == (name, "0 3 * * 1", 5)
    assert made.next_execution_time == "2099-01-01 10:00:00"
    assert mistral.cron_triggers.get(name).id == made.id
    assert name in [row.name for row in mistral.cron_triggers.list()]
    mistral.cron_triggers.delete(name)
    with pytest.raises(api_base.APIException) as refused:
        mistral.cron_triggers.get(name)
    assert refused.value.error_code == 404


def test_lists_follow_markers_limits_sorting_and_filters(mistral: Any) -> None:
    prefix = unique("row")
    for number in range(5):
        mistral.workflows.create(WAITS.format(name=f"{prefix}-{number}"))
    wanted = {"sort_keys": "name", "sort_dirs": "desc", "name": f"has:{prefix}"}
    rows = mistral.workflows.list(limit=2, **wanted)
    assert [row.name for row in rows] == [f"{prefix}-4", f"{prefix}-3"]
    rest = mistral.workflows.list(marker=rows[-1].id, **wanted)
    assert [row.name for row in rest] == [f"{prefix}-2", f"{prefix}-1", f"{prefix}-0"]
    assert [row.name for row in mistral.workflows.list(name=f"{prefix}-3")] == [f"{prefix}-3"]
