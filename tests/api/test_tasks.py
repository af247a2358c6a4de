"""``/v2/tasks``: results, reruns, what a task ran."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import action_row, execution_row, task_row

from mistralish.engine import commands
from mistralish.store import Store

SPEC = {"tasks": {"plain": {"action": "std.noop"}, "many": {"with-items": "i in [1]", "action": "std.noop"}}}
ALL = {
    "id", "name", "type", "workflow_name", "workflow_namespace", "workflow_id", "workflow_execution_id", "tags",
    "state", "state_info", "project_id", "runtime_context", "result", "published", "processed", "created_at",
    "updated_at", "started_at", "finished_at",
}  # fmt: skip


def result_of(client: FlaskClient, task: str) -> Any:
    return json.loads(client.get(f"/v2/tasks/{task}").get_json()["result"])


def test_one_task_is_read_with_its_result(client: FlaskClient, store: Store) -> None:
    action = action_row("a", "t", output={"result": {"x": 1}}, accepted=True, state="SUCCESS")
    keep(store, execution_row("e"), task_row("t", "e", published={"p": 1}), action)
    task = client.get("/v2/tasks/t").get_json()
    assert set(task) == ALL
    assert json.loads(task["result"]) == {"x": 1}
    assert (task["published"], task["runtime_context"]) == ('{"p": 1}', "{}")


def test_a_task_without_a_result_has_an_empty_list(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e"), task_row("t", "e"), action_row("a", "t"))
    assert result_of(client, "t") == []


def test_the_result_of_items_is_a_list_by_index_of_those_that_count(client: FlaskClient, store: Store) -> None:
    def action(identifier: str, index: int, accepted: bool) -> Any:
        output = {"result": identifier}
        return action_row(identifier, "t", output=output, accepted=accepted, runtime_context={"index": index})

    rows = (action("a", 1, True), action("b", 0, False), action("c", 0, True))
    keep(store, execution_row("e"), task_row("t", "e", runtime_context={"with_items": {"count": 2}}), *rows)
    assert result_of(client, "t") == ["c", "a"]


def test_the_result_of_a_sub_workflow_is_its_output(client: FlaskClient, store: Store) -> None:
    child = execution_row("c", task_execution_id="t", root_execution_id="e", output={"o": 1}, accepted=True)
    keep(store, execution_row("e"), task_row("t", "e", type="WORKFLOW"), child)
    assert result_of(client, "t") == {"o": 1}


def test_lists_leave_results_out_and_the_engines_own_notes_are_never_shown(client: FlaskClient, store: Store) -> None:
    context = {"triggered_by": [], "__published_global": {"g": 1}}
    keep(store, execution_row("e"), task_row("t", "e", state="SUCCESS", runtime_context=context))
    (task,) = client.get("/v2/tasks").get_json()["tasks"]
    assert set(task) == ALL - {"result"}
    assert task["runtime_context"] == '{"triggered_by": []}'
    assert client.get("/v2/tasks/t").get_json()["published_global"] == '{"g": 1}'


@pytest.mark.parametrize(
    ("task", "body", "command"),
    [
        ("plain", {"state": "RUNNING", "reset": True}, commands.RerunTask("plain")),
        ("many", {"state": "RUNNING", "reset": False}, commands.RerunTask("many", reset=False)),
        ("many", {"state": "RUNNING", "reset": True, "env": '{"a": 1}'}, commands.RerunTask("many", env={"a": 1})),
        ("plain", {"state": "SKIPPED"}, commands.RerunTask("plain", reset=False, skip=True)),
    ],
)
def test_a_failed_task_is_run_again_or_skipped(
    client: FlaskClient, engine: RecordingEngine, store: Store, task: str, body: dict[str, Any], command: Any
) -> None:
    keep(store, execution_row("e"), task_row(task, "e", state="ERROR"), specs={"s": SPEC})
    answer = client.put(f"/v2/tasks/{task}", json=body)
    assert answer.status_code == 200
    assert engine.commands == [command]
    assert answer.get_json()["result"] == "[]"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"state": "SUCCESS", "reset": True}, "Invalid task state. Only updating task to RUNNING or SKIPPED is"),
        ({}, "Invalid task state."),
        ({"state": "RUNNING"}, "Reset field is mandatory to rerun task."),
        ({"state": "RUNNING", "reset": False}, "Only with-items task has the option to not reset."),
        ({"state": "RUNNING", "reset": True, "name": "x"}, "Task name does not match."),
        ({"state": "RUNNING", "reset": True, "workflow_name": "x"}, "Workflow name does not match."),
        ({"state": "RUNNING", "reset": "maybe"}, "Invalid input for field/attribute reset. Value: 'maybe'."),
    ],
)
def test_a_rerun_that_cannot_be_says_why(
    client: FlaskClient, engine: RecordingEngine, store: Store, body: dict[str, Any], text: str
) -> None:
    keep(store, execution_row("e"), task_row("plain", "e", state="ERROR"), specs={"s": SPEC})
    answer = client.put("/v2/tasks/plain", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"].startswith(text)
    assert engine.commands == []


def test_only_a_failed_task_is_run_again(client: FlaskClient, engine: RecordingEngine, store: Store) -> None:
    keep(store, execution_row("e"), task_row("plain", "e", state="SUCCESS"), specs={"s": SPEC})
    answer = client.put("/v2/tasks/plain", json={"state": "RUNNING", "reset": True})
    assert answer.get_json()["faultstring"].startswith("The current task execution must be in ERROR for rerun.")
    assert engine.commands == []


def test_what_a_task_ran_is_listed(client: FlaskClient, store: Store) -> None:
    child = execution_row("c", task_execution_id="t", root_execution_id="e", output={"o": 1})
    keep(store, execution_row("e"), task_row("t", "e"), action_row("a", "t", output={"result": 1}), child)
    (action,) = client.get("/v2/tasks/t/action_executions").get_json()["action_executions"]
    assert action["id"] == "a"
    assert "output" not in action
    (action,) = client.get("/v2/tasks/t/action_executions?include_output=true").get_json()["action_executions"]
    assert action["output"] == '{"result": 1}'
    (execution,) = client.get("/v2/tasks/t/workflow_executions").get_json()["executions"]
    assert execution["id"] == "c"
    assert not {"input", "params", "output"} & set(execution)


def test_an_unknown_task_is_named(client: FlaskClient) -> None:
    answer = client.get("/v2/tasks/none")
    assert answer.status_code == 404
    assert answer.get_json()["faultstring"] == "Task execution not found [id=none]"
