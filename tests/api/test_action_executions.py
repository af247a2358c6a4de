"""``/v2/action_executions``: results from outside, actions outside workflows."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import PROJECT, action_row, execution_row, task_row

from mistralish.engine import commands
from mistralish.errors import InputError, NotFoundError
from mistralish.store import Store

ALL = {
    "id", "workflow_name", "workflow_namespace", "task_execution_id", "state", "state_info", "tags", "name",
    "description", "project_id", "accepted", "input", "output", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def waiting(store: Store) -> None:
    keep(store, execution_row("e"), task_row("t", "e"), action_row("a", "t", workflow_execution_id="e"))


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"state": "SUCCESS", "output": {"x": 1}}, commands.ActionFinished("a", data={"x": 1})),
        ({"state": "SUCCESS", "output": '{"x": 1}'}, commands.ActionFinished("a", data={"x": 1})),
        ({"state": "SUCCESS"}, commands.ActionFinished("a", data={})),
        ({"state": "ERROR", "output": {"x": 1}}, commands.ActionFinished("a", error={"x": 1}, is_error=True)),
        ({"state": "ERROR"}, commands.ActionFinished("a", error="Unknown error", is_error=True)),
        ({"state": "CANCELLED"}, commands.ActionFinished("a", cancel=True)),
        ({"state": "PAUSED"}, commands.UpdateAction("a", "PAUSED")),
        ({"state": "RUNNING"}, commands.UpdateAction("a", "RUNNING")),
    ],
)
@pytest.mark.usefixtures("waiting")
def test_a_result_from_outside_becomes_one_command(
    client: FlaskClient, engine: RecordingEngine, body: dict[str, Any], command: Any
) -> None:
    engine.answer = action_row("a", "t", state=body["state"])
    answer = client.put("/v2/action_executions/a", json=body)
    assert answer.status_code == 200
    assert engine.commands == [command]
    assert set(answer.get_json()) == ALL


@pytest.mark.parametrize("body", [{}, {"state": "IDLE"}, {"state": "SUCCESS", "output": [1]}, {"output": {"x": 1}}])
@pytest.mark.usefixtures("waiting")
def test_a_result_that_is_none_is_refused(client: FlaskClient, engine: RecordingEngine, body: dict[str, Any]) -> None:
    answer = client.put("/v2/action_executions/a", json=body)
    assert answer.status_code == 400
    assert engine.commands == []


@pytest.mark.usefixtures("waiting")
def test_an_action_execution_is_read_whole_and_in_part(client: FlaskClient) -> None:
    assert set(client.get("/v2/action_executions/a").get_json()) == ALL
    assert client.get("/v2/action_executions/a?fields=name").get_json() == {"id": "a", "name": "std.echo"}
    assert client.get("/v2/action_executions/x").get_json()["faultstring"] == "ActionExecution not found [id=x]"


@pytest.mark.usefixtures("waiting")
def test_action_executions_are_found_by_the_name_of_their_task(client: FlaskClient) -> None:
    def found(name: str) -> list[str]:
        answer = client.get(f"/v2/action_executions?task_name={name}").get_json()
        return [action["id"] for action in answer["action_executions"]]

    assert (found("t"), found("u")) == (["a"], [])


def test_an_action_is_run_outside_workflows(client: FlaskClient, engine: RecordingEngine) -> None:
    engine.answer = action_row("made up", None, state="SUCCESS", output={"result": 1}, accepted=True)
    body = {"name": "std.echo", "input": '{"output": 1}', "params": '{"run_sync": true, "timeout": 3, "target": "x"}'}
    answer = client.post("/v2/action_executions", json=body)
    assert answer.status_code == 201
    (command,) = engine.commands
    assert command == commands.RunAction(
        "std.echo", {"output": 1}, project_id=PROJECT, run_sync=True, target="x", timeout=3.0
    )
    action = answer.get_json()
    assert set(action) == ALL
    assert action["output"] == '{"result": 1}'
    assert {action[name] for name in ("id", "project_id", "accepted", "created_at")} == {None}


@pytest.mark.parametrize(("params", "state"), [({"save_result": True, "run_sync": True}, "SUCCESS"), ({}, "RUNNING")])
def test_an_action_that_is_kept_has_an_id(
    client: FlaskClient, engine: RecordingEngine, params: dict[str, Any], state: str
) -> None:
    engine.answer = action_row("kept", None, state=state)
    answer = client.post("/v2/action_executions", json={"name": "std.echo", "params": params})
    assert (answer.get_json()["id"], answer.get_json()["project_id"]) == ("kept", PROJECT)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input": {}}, "Please provide at least action name to run action."),
        ({"name": "x", "params": {"run_sync": "yes"}}, "params.run_sync must be true or false, not 'yes'"),
        ({"name": "x", "params": {"timeout": "3"}}, "params.timeout must be a number of seconds, not '3'"),
        ({"name": "x", "params": {"target": 3}}, "params.target must be text, not 3"),
    ],
)
def test_an_action_that_cannot_be_run_says_why(
    client: FlaskClient, engine: RecordingEngine, body: dict[str, Any], text: str
) -> None:
    answer = client.post("/v2/action_executions", json=body)
    assert (answer.status_code, answer.get_json()["faultstring"]) == (400, text)
    assert engine.commands == []


@pytest.mark.parametrize("error", [NotFoundError("Failed to find action [action_name=x]"), InputError("missing")])
def test_an_action_that_the_engine_refuses_is_the_clients_mistake(
    client: FlaskClient, engine: RecordingEngine, error: Exception
) -> None:
    engine.answer = error
    answer = client.post("/v2/action_executions", json={"name": "x"})
    assert (answer.status_code, answer.get_json()["faultstring"]) == (400, str(error))


def test_only_finished_action_executions_of_no_task_are_removed(
    client: FlaskClient, engine: RecordingEngine, store: Store
) -> None:
    keep(store, action_row("own", None, state="SUCCESS"), action_row("going", None))
    keep(store, execution_row("e"), task_row("t", "e"), action_row("a", "t", state="SUCCESS"))
    for identifier, text in (("a", "Only ad-hoc action execution"), ("going", "Only completed action execution")):
        answer = client.delete(f"/v2/action_executions/{identifier}")
        assert answer.status_code == 403
        assert answer.get_json()["faultstring"].startswith(text)
    assert engine.commands == []
    assert client.delete("/v2/action_executions/own").status_code == 204
    assert engine.commands == [commands.DeleteAction("own")]
