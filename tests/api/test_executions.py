"""``/v2/executions``: which command each request becomes, and what is answered."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import CREATED, CREATED_TEXT, PROJECT, WORKFLOW, execution_row, task_row

from mistralish.engine import commands
from mistralish.errors import NotAllowedError
from mistralish.store import Store

ALL = {
    "id", "workflow_id", "workflow_name", "workflow_namespace", "description", "tags", "params", "task_execution_id",
    "root_execution_id", "state", "state_info", "input", "output", "created_at", "updated_at", "project_id",
    "published_global",
}  # fmt: skip


@pytest.fixture
def greet(client: FlaskClient) -> dict[str, Any]:
    return client.post("/v2/workflows", data=WORKFLOW).get_json()["workflows"][0]


def test_starting_a_workflow_answers_the_execution_with_json_in_text(
    client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]
) -> None:
    body = {"workflow_name": "greet", "input": {"who": "world"}, "description": "d", "params": {"env": {"k": 1}}}
    answer = client.post("/v2/executions", json=body)
    assert answer.status_code == 201
    (command,) = engine.commands
    assert command == commands.StartExecution(
        execution_id=command.execution_id,
        workflow="greet",
        input={"who": "world"},
        description="d",
        params={"env": {"k": 1}},
        project_id=PROJECT,
        is_new=True,
    )
    execution = answer.get_json()
    assert set(execution) == ALL - {"published_global"}
    assert execution["id"] == command.execution_id
    assert json.loads(execution["input"]) == {"who": "world"}
    assert json.loads(execution["params"]) == {"env": {"k": 1}, "namespace": ""}
    assert execution["output"] == "{}"
    assert (execution["created_at"], execution["root_execution_id"]) == (CREATED_TEXT, None)


def test_input_and_params_may_be_sent_as_json_text(
    client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]
) -> None:
    body = {"workflow_id": greet["id"], "input": '{"who": "w"}', "params": '{"env": {}}'}
    assert client.post("/v2/executions", json=body).status_code == 201
    assert engine.commands[0].input == {"who": "w"}
    assert engine.commands[0].params == {"env": {}}


def test_an_id_that_exists_answers_that_execution_and_starts_nothing(
    client: FlaskClient, engine: RecordingEngine, store: Store
) -> None:
    keep(store, execution_row("mine", state="SUCCESS", output={"a": 1}))
    answer = client.post("/v2/executions", json={"id": "mine"})
    assert answer.status_code == 201
    assert (answer.get_json()["state"], answer.get_json()["output"]) == ("SUCCESS", '{"a": 1}')
    assert engine.commands == []


def test_a_clients_own_id_is_taken_as_it_is(
    client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]
) -> None:
    body = {"id": "order 17", "workflow_name": "greet", "input": {"who": "w"}}
    assert client.post("/v2/executions", json=body).get_json()["id"] == "order 17"
    assert client.get("/v2/executions/order%2017").status_code == 200


def test_another_projects_execution_is_not_given_away_by_its_id(
    client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]
) -> None:
    engine.answer = execution_row("theirs", project_id="another")
    answer = client.post("/v2/executions", json={"id": "theirs", "workflow_name": "greet", "input": {"who": "w"}})
    assert answer.status_code == 409
    assert "greet" not in answer.get_data(as_text=True)


def test_an_execution_can_be_based_on_another(
    client: FlaskClient, engine: RecordingEngine, store: Store, greet: dict[str, Any]
) -> None:
    params = {"env": {"a": 1, "b": 1}, "namespace": "", "task_execution_id": "t", "index": 0}
    source = execution_row("source", workflow_id=greet["id"], input={"who": "w", "times": 1}, params=params)
    keep(store, source)
    body = {"source_execution_id": "source", "input": {"times": 9}, "params": {"env": {"b": 2}}, "description": "again"}
    answer = client.post("/v2/executions", json=body)
    assert answer.status_code == 201
    (command,) = engine.commands
    assert command.workflow == greet["id"]
    assert command.input == {"who": "w", "times": 9}
    assert command.params == {"env": {"a": 1, "b": 2}, "namespace": ""}
    assert command.description == "again Based on the execution 'source'"


def test_a_namespace_in_which_the_workflow_is_not_is_no_default(
    client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]
) -> None:
    body = {"workflow_name": "greet", "workflow_namespace": "n", "input": {"who": "w"}}
    answer = client.post("/v2/executions", json=body)
    assert answer.status_code == 404
    assert answer.get_json()["faultstring"] == "Workflow not found [workflow_identifier=greet, namespace=n]"
    assert engine.commands == []


def test_one_execution_is_read_with_its_output_and_what_was_published_globally(
    client: FlaskClient, store: Store
) -> None:
    context = {"__execution": {"id": "e"}, "openstack": None, "v": 1, "g": 2}
    keep(store, execution_row("e", context=context, output={"o": 1}), specs={"s": {"vars": {"v": 0}}})
    execution = client.get("/v2/executions/e").get_json()
    assert set(execution) == ALL
    assert execution["output"] == '{"o": 1}'
    assert execution["published_global"] == '{"g": 2}'


def test_fields_choose_what_is_read_of_an_execution(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e"))
    assert client.get("/v2/executions/e?fields=state").get_json() == {"id": "e", "state": "RUNNING"}


def test_lists_leave_out_outputs_unless_asked(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e", output={"o": 1}))
    (listed,) = client.get("/v2/executions").get_json()["executions"]
    assert set(listed) == ALL - {"output", "published_global"}
    (listed,) = client.get("/v2/executions?include_output=true").get_json()["executions"]
    assert listed["output"] == '{"o": 1}'
    (listed,) = client.get("/v2/executions?fields=output").get_json()["executions"]
    assert listed == {"id": "e", "output": '{"o": 1}'}


def test_another_projects_executions_are_not_found(client: FlaskClient, engine: RecordingEngine, store: Store) -> None:
    keep(store, execution_row("theirs", project_id="another"))
    assert client.get("/v2/executions").get_json() == {"executions": []}
    assert client.get("/v2/executions/theirs").status_code == 404
    assert client.put("/v2/executions/theirs", json={"state": "CANCELLED"}).status_code == 404
    assert client.delete("/v2/executions/theirs?force=true").status_code == 404
    assert engine.commands == []


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"state": "PAUSED", "state_info": "x"}, commands.PauseExecution("e")),
        ({"state": "RUNNING"}, commands.ResumeExecution("e")),
        ({"state": "RUNNING", "params": {"env": {"a": 1}}}, commands.ResumeExecution("e", {"a": 1})),
        ({"state": "SUCCESS"}, commands.StopExecution("e", "SUCCESS")),
        ({"state": "ERROR", "state_info": "why"}, commands.StopExecution("e", "ERROR", "why")),
        ({"state": "CANCELLED", "state_info": "why"}, commands.StopExecution("e", "CANCELLED", "why")),
        ({"description": "d"}, commands.UpdateExecution("e", description="d")),
        ({"params": '{"env": {"a": 1}}'}, commands.UpdateExecution("e", env={"a": 1})),
    ],
)
def test_an_update_becomes_one_command(
    client: FlaskClient, engine: RecordingEngine, store: Store, body: dict[str, Any], command: Any
) -> None:
    keep(store, execution_row("e"))
    engine.answer = execution_row("e", state=body.get("state", "RUNNING"))
    answer = client.put("/v2/executions/e", json=body)
    assert answer.status_code == 200
    assert engine.commands == [command]
    assert answer.get_json()["state"] == engine.answer.state


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "The property state, description, or env is not provided for update."),
        ({"input": {"a": 1}}, "The property state, description, or env is not provided for update."),
        ({"description": "d", "state": "PAUSED"}, "The property description must be updated separately from state."),
        ({"state": "PAUSED", "params": {"env": {"a": 1}}}, "The property env can only be updated when"),
        ({"state": "IDLE"}, "Cannot change state to IDLE. Allowed states are: 'RUNNING, PAUSED, SUCCESS, ERROR,"),
        ({"params": {"env": "name"}}, "params.env must be an object of variables, not 'name'"),
    ],
)
def test_an_update_that_cannot_be_says_why(
    client: FlaskClient, engine: RecordingEngine, store: Store, body: dict[str, Any], text: str
) -> None:
    keep(store, execution_row("e"))
    answer = client.put("/v2/executions/e", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"].startswith(text)
    assert engine.commands == []


def test_removing_asks_the_engine_and_force_is_passed_on(
    client: FlaskClient, engine: RecordingEngine, store: Store
) -> None:
    keep(store, execution_row("e"))
    assert client.delete("/v2/executions/e").status_code == 204
    assert client.delete("/v2/executions/e?force=1").status_code == 204
    wanted = [commands.DeleteExecution("e", force=force, at_most=1000) for force in (False, True)]
    assert engine.commands == wanted


def test_what_the_engine_refuses_is_answered_with_the_errors_own_status(
    client: FlaskClient, engine: RecordingEngine, store: Store
) -> None:
    keep(store, execution_row("e"))
    engine.answer = NotAllowedError("Only completed executions can be deleted.")
    answer = client.delete("/v2/executions/e")
    assert answer.status_code == 403
    assert answer.get_json()["faultstring"] == "Only completed executions can be deleted."


def test_the_tasks_of_an_execution_are_listed_and_the_next_link_leads_to_all_tasks(
    client: FlaskClient, store: Store
) -> None:
    keep(store, execution_row("e"), execution_row("f"), task_row("t1", "e"), task_row("t2", "e"), task_row("u", "f"))
    page = client.get("/v2/executions/e/tasks?limit=1").get_json()
    assert [task["id"] for task in page["tasks"]] == ["t1"]
    assert page["next"].startswith(
        "http://localhost/v2/tasks?sort_keys=created_at,id&sort_dirs=asc,asc&workflow_execution_id=eq:e&limit=1&marker=t1"
    )
    following = client.get(page["next"].removeprefix("http://localhost")).get_json()
    assert [task["id"] for task in following["tasks"]] == ["t2"]
    assert "next" not in following


def test_the_tasks_of_an_unknown_execution_are_not_an_empty_list(client: FlaskClient) -> None:
    assert client.get("/v2/executions/none/tasks").status_code == 404


def test_times_before_1970_and_unset_ones_are_shown(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e", created_at=-1, updated_at=None))
    execution = client.get("/v2/executions/e").get_json()
    assert (execution["created_at"], execution["updated_at"]) == ("1969-12-31 23:59:59", None)


def test_numbers_beyond_64_bits_survive(client: FlaskClient, engine: RecordingEngine, greet: dict[str, Any]) -> None:
    big = 10**30
    answer = client.post("/v2/executions", json={"workflow_name": "greet", "input": {"who": big}})
    assert engine.commands[0].input == {"who": big}
    assert json.loads(answer.get_json()["input"]) == {"who": big}


def test_an_execution_that_was_never_updated_keeps_its_created_time(client: FlaskClient, store: Store) -> None:
    keep(store, execution_row("e", created_at=CREATED))
    assert client.get("/v2/executions/e").get_json()["created_at"] == CREATED_TEXT
