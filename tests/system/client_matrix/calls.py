"""Scenarios of the Python API: each calls what one manager offers, and says what must come back."""

import json
from collections.abc import Callable
from typing import Any

from peers import wait_for
from rest import unique

from client_matrix.definitions import ACTION, CODE, WORKBOOK, WORKFLOW
from client_matrix.executions import FAILING, TREE, WAITING
from client_matrix.recording import Recorded, refusal

Scenario = Callable[[Recorded], None]


def _paged(listing: Callable[..., list[Any]], key: str, **more: Any) -> list[Any]:
    """Return ``key`` of the last two rows by ``key``, fetched as two pages of two fields each."""
    shape = {"sort_keys": key, "sort_dirs": "desc", "fields": ["id", key], "limit": 1, **more}
    (first,) = listing(**shape)
    (second,) = listing(**shape, marker=first.id)
    assert {"id", key} <= set(first.to_dict())
    return [getattr(first, key), getattr(second, key)]


def _until(fetch: Callable[[str], Any], identifier: str, state: str) -> Any:
    wait_for(lambda: fetch(identifier).state == state, 30, f"{identifier} in {state}")
    return fetch(identifier)


def workflows(client: Recorded) -> None:
    manager, name = client.workflows, unique("wf")
    (made,) = manager.create(WORKFLOW.format(name=name))
    (other,) = manager.create(WORKFLOW.format(name=f"{name}-b"), namespace="team", scope="public")
    assert (made.scope, made.namespace, other.scope, other.namespace) == ("private", "", "public", "team")
    assert _paged(manager.list, "name", name=f"has:{name}") == [f"{name}-b", name]
    assert [row.id for row in manager.list(namespace="team", name=f"has:{name}")] == [other.id]
    assert [row.id for row in manager.find(name=name)] == [made.id]
    assert manager.get(f"{name}-b", namespace="team").definition == WORKFLOW.format(name=f"{name}-b")
    changed = manager.update(WORKFLOW.format(name=name).replace("n: 1", "n: 2"), scope="public", id=made.id)
    assert (changed.id, changed.input, changed.scope) == (made.id, 'n="2"', "public")
    assert manager.update(WORKFLOW.format(name=f"{name}-b"), namespace="team")[0].id == other.id
    assert manager.validate(WORKFLOW.format(name=name)) == {"valid": True}
    assert manager.validate("version: '2.0'\nx: {}")["valid"] is False
    manager.delete(f"{name}-b", namespace="team")
    manager.delete(name)
    assert refusal(manager.get, name).error_code == 404


def workbooks(client: Recorded) -> None:
    manager, name = client.workbooks, unique("book")
    made = manager.create(WORKBOOK.format(name=name))
    other = manager.create(WORKBOOK.format(name=f"{name}-b"), namespace="team", scope="public")
    assert (made.scope, other.scope, other.namespace) == ("private", "public", "team")
    assert _paged(manager.list, "name", name=f"has:{name}") == [f"{name}-b", name]
    assert [row.id for row in manager.list(namespace="team", name=f"has:{name}")] == [other.id]
    assert [row.id for row in manager.find(name=name)] == [made.id]
    assert manager.get(f"{name}-b", namespace="team").definition == WORKBOOK.format(name=f"{name}-b")
    changed = manager.update(WORKBOOK.format(name=name) + "tags: [new]\n", scope="public")
    assert (changed.id, changed.tags, changed.scope) == (made.id, ["new"], "public")
    assert manager.update(WORKBOOK.format(name=f"{name}-b"), namespace="team").id == other.id
    assert manager.validate(WORKBOOK.format(name=name)) == {"valid": True}
    manager.delete(f"{name}-b", namespace="team")
    manager.delete(name)
    assert refusal(manager.get, name).error_code == 404


def actions(client: Recorded) -> None:
    manager, name = client.actions, unique("adhoc")
    (made,) = manager.create(ACTION.format(name=name))
    (other,) = manager.create(ACTION.format(name=f"{name}-b"), scope="public", namespace="team")
    assert (made.is_system, made.input, other.scope, other.namespace) == (False, "text", "public", "team")
    assert _paged(manager.list, "name", name="in:std.echo,std.noop") == ["std.noop", "std.echo"]
    assert [row.id for row in manager.list(namespace="team", name=f"has:{name}")] == [other.id]
    assert [row.is_system for row in manager.find(name="std.http")] == [True]
    assert manager.get(f"{name}-b", namespace="team").definition == ACTION.format(name=f"{name}-b")
    (changed,) = manager.update(ACTION.format(name=name).replace("text]", "text, {n: 1}]"), scope="public", id=made.id)
    assert (changed.id, changed.input, changed.scope) == (made.id, "text, n=1", "public")
    assert manager.update(ACTION.format(name=f"{name}-b"), namespace="team")[0].id == other.id
    assert manager.validate(ACTION.format(name=name)) == {"valid": True}
    manager.delete(f"{name}-b", namespace="team")
    manager.delete(name)
    assert refusal(manager.get, name).error_code == 404


def environments(client: Recorded) -> None:
    manager, name = client.environments, unique("env")
    made = manager.create(name=name, variables=json.dumps({"a": 1}), description="d", scope="private")
    assert (made.variables, made.description, made.scope) == ({"a": 1}, "d", "private")
    manager.create(name=f"{name}-b", variables={"city": "Porto"})
    assert _paged(manager.list, "name", name=f"has:{name}") == [f"{name}-b", name]
    assert [row.id for row in manager.find(name=name)] == [made.id]
    assert manager.update(name=name, variables={"a": 2}, scope="public").scope == "public"
    assert manager.get(name).variables == {"a": 2}
    manager.delete(name)
    assert refusal(manager.get, name).error_code == 404


def uploaded_code(client: Recorded) -> None:
    sources, actions, name = client.code_sources, client.dynamic_actions, unique("sum")
    made = sources.create(name, CODE + "\n\nOther = Sum\n")
    other = sources.create(f"{name}-b", CODE, namespace="team", scope="public")
    assert (made.scope, other.scope, other.namespace) == ("private", "public", "team")
    assert _paged(sources.list, "name", name=f"has:{name}") == [f"{name}-b", name]
    assert [row.id for row in sources.list(namespace="team", name=f"has:{name}")] == [other.id]
    assert [row.id for row in sources.find(name=name)] == [made.id]
    assert sources.get(f"{name}-b", namespace="team").content == CODE
    assert sources.update(f"{name}-b", CODE + "\n", namespace="team", scope="private").scope == "private"
    action = actions.create(name, "Sum", name, scope="public")
    in_team = actions.create(f"{name}-b", "Sum", f"{name}-b", namespace="team")
    assert (action.code_source_id, action.scope, in_team.namespace) == (made.id, "public", "team")
    assert _paged(actions.list, "name", name=f"has:{name}") == [f"{name}-b", name]
    assert [row.id for row in actions.list(namespace="team", name=f"has:{name}")] == [in_team.id]
    assert [row.id for row in actions.find(name=name)] == [action.id]
    changed = actions.update(name, class_name="Other", code_source=made.id, scope="private")
    assert (changed.id, changed.class_name, changed.scope) == (action.id, "Other", "private")
    assert actions.update(f"{name}-b", class_name="Sum", namespace="team").id == in_team.id
    assert actions.get(f"{name}-b", namespace="team").id == in_team.id
    actions.delete(f"{name}-b", namespace="team")
    actions.delete(name)
    sources.delete(f"{name}-b", namespace="team")
    sources.delete(name)
    assert refusal(actions.get, name).error_code == 404
    assert refusal(sources.get, name).error_code == 404


def executions(client: Recorded) -> None:
    manager, name = client.executions, unique("tree")
    client.workflows.create(TREE.format(name=name), namespace="team")
    made = manager.create(name, "team", {"word": "ho"}, "described", env={"k": 1})
    assert _until(manager.get, made.id, "SUCCESS").description == "described"
    assert json.loads(manager.get(made.id).output) == {"said": "ho"}
    again = manager.create(source_execution_id=made.id, description="zz")
    assert json.loads(_until(manager.get, again.id, "SUCCESS").input) == {"word": "ho"}
    copied = f"zz Based on the execution '{made.id}'"
    assert _paged(manager.list, "description", workflow_name=name) == [copied, "described"]
    assert [row.id for row in manager.find(description=copied)] == [again.id]
    (task,) = client.tasks.list(workflow_execution_id=made.id)
    (child,) = manager.list(task=task.id)
    assert child.workflow_name == f"{name}-child"
    assert {row.id for row in manager.get_ex_sub_executions(made.id, errors_only="", max_depth=-1)} == {
        made.id,
        child.id,
    }
    assert [row.id for row in client.tasks.get_task_sub_executions(task.id)] == [child.id]
    assert client.tasks.get_task_sub_executions(task.id, errors_only=True, max_depth=1) == []
    report = manager.get_report(made.id, errors_only=False, max_depth=0)
    assert report["root_workflow_execution"]["task_executions"][0]["name"] == "call"
    assert set(manager.get_report(made.id, statistics_only=True)) == {"statistics"}
    manager.delete(again.id)
    assert refusal(manager.get, again.id).error_code == 404


def updating_executions(client: Recorded) -> None:
    manager, name = client.executions, unique("waits")
    client.workflows.create(WAITING.format(name=name))
    execution = manager.create(name)
    assert manager.update(execution.id, None, description="new").description == "new"
    assert manager.update(execution.id, "PAUSED").state == "PAUSED"
    assert manager.update(execution.id, "RUNNING", env={"k": 2}).state == "RUNNING"
    assert json.loads(manager.get(execution.id).params)["env"] == {"k": 2}
    assert refusal(manager.delete, execution.id).error_code == 403
    manager.delete(execution.id, force=True)
    assert refusal(manager.get, execution.id).error_code == 404


def tasks(client: Recorded) -> None:
    manager, name = client.tasks, unique("fails")
    client.workflows.create(FAILING.format(name=name))
    execution = client.executions.create(name)

    def running(count: int) -> list[Any]:
        def found() -> list[Any] | None:
            rows = client.action_executions.list(workflow_name=f"{name}-child", state="RUNNING")
            return rows if len(rows) == count else None

        found_rows: list[Any] = wait_for(found, 30, f"{count} running actions")
        return found_rows

    first, second = running(2)
    client.action_executions.update(first.id, "SUCCESS")
    client.action_executions.update(second.id, "ERROR", json.dumps({"why": "no"}))
    _until(client.executions.get, execution.id, "ERROR")
    wanted = {"workflow_name": name}
    assert _paged(manager.list, "name", **wanted) == ["fine", "call"]
    (two,) = manager.find(workflow_name=f"{name}-child")
    assert manager.get(two.id).state == "ERROR"
    assert manager.rerun(two.id, reset=False, env={"k": 1}).state == "RUNNING"
    client.action_executions.update(running(1)[0].id, "SUCCESS")
    _until(client.executions.get, execution.id, "SUCCESS")


def action_executions(client: Recorded) -> None:
    manager, name = client.action_executions, unique("adhoc")
    client.actions.create(ACTION.format(name=name), namespace="team")
    at_once = manager.create(name, {"text": "x"}, namespace="team", run_sync=True)
    assert json.loads(at_once.output) == {"result": "x"}
    saved = manager.create("std.echo", {"output": 3}, save_result=True)
    assert json.loads(_until(manager.get, saved.id, "SUCCESS").output) == {"result": 3}
    workflow = unique("waits")
    client.workflows.create(WAITING.format(name=workflow))
    execution = client.executions.create(workflow)
    (action,) = wait_for(lambda: manager.list(workflow_name=workflow), 30, "the action")
    assert [row.id for row in manager.list(task_execution_id=action.task_execution_id)] == [action.id]
    assert [row.id for row in manager.find(workflow_name=workflow)] == [action.id]
    assert manager.update(action.id, state="SUCCESS", output=json.dumps({"ok": 1})).state == "SUCCESS"
    _until(client.executions.get, execution.id, "SUCCESS")
    assert _paged(manager.list, "name", name="in:std.echo,std.async_noop")[0] == "std.echo"
    manager.delete(saved.id)
    assert refusal(manager.get, saved.id).error_code == 404


def cron_triggers(client: Recorded) -> None:
    manager, name, workflow = client.cron_triggers, unique("cron"), unique("tree")
    client.workflows.create(TREE.format(name=workflow))
    made = manager.create(name, workflow, {"word": "x"}, {"env": {"k": 1}}, "0 3 * * 1", None, 5)
    assert (made.pattern, made.remaining_executions) == ("0 3 * * 1", 5)
    assert json.loads(made.workflow_params) == {"env": {"k": 1}}
    once = manager.create(f"{name}-b", workflow, first_time="2099-01-01 10:00")
    assert once.next_execution_time == "2099-01-01 10:00:00"
    wanted = {"sort_keys": "name", "sort_dirs": "asc", "fields": ["id", "name"], "name": f"has:{name}", "limit": 1}
    (first,) = manager.list(**wanted)
    (second,) = manager.list(**wanted, marker=first.id)
    assert [first.name, second.name] == [name, f"{name}-b"]
    assert [row.id for row in manager.find(name=name)] == [made.id]
    assert manager.get(name).id == made.id
    manager.delete(name)
    assert refusal(manager.get, name).error_code == 404


def event_triggers(client: Recorded) -> None:
    manager, workflow, exchange = client.event_triggers, unique("tree"), unique("exchange")
    workflow_id = client.workflows.create(TREE.format(name=workflow))[0].id
    place = (workflow_id, exchange, "notifications")
    made = manager.create("first", *place, "volume.create", {"word": "x"}, {"env": {"k": 1}})
    assert (made.topic, json.loads(made.workflow_params)) == ("notifications", {"env": {"k": 1}})
    other = manager.create("second", *place, "volume.delete", {"word": "x"})
    assert _paged(manager.list, "name", exchange=exchange) == ["second", "first"]
    assert [row.id for row in manager.find(exchange=exchange, name="first")] == [made.id]
    assert manager.get(other.id).event == "volume.delete"
    manager.delete(made.id)
    assert refusal(manager.get, made.id).error_code == 404


def members(client: Recorded) -> None:
    (workflow,) = client.workflows.create(WORKFLOW.format(name=unique("wf")))
    manager, place = client.members, (workflow.id, "workflow")
    assert manager.create(*place, "neighbours").status == "pending"
    assert manager.create(*place, workflow.project_id).member_id == workflow.project_id
    assert sorted(row.member_id for row in manager.list(*place)) == sorted(["neighbours", workflow.project_id])
    assert manager.update(*place, member_id=workflow.project_id, status="rejected").status == "rejected"
    assert manager.get(*place, member_id=workflow.project_id).status == "rejected"
    manager.delete(*place, "neighbours")
    assert refusal(manager.get, *place, "neighbours").error_code == 404


SCENARIOS: tuple[Scenario, ...] = (
    workflows,
    workbooks,
    actions,
    environments,
    uploaded_code,
    executions,
    updating_executions,
    tasks,
    action_executions,
    cron_triggers,
    event_triggers,
    members,
)
