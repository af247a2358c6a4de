"""Values marked as secret come in, are kept sealed and are never told; what only looks like one is not listed."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import PROJECT, WORKFLOW, action_row, execution_row, task_row

from mistralish.api import create_app
from mistralish.engine import commands
from mistralish.masking import holds_sealed
from mistralish.sealing import Sealer
from mistralish.store import Store, Tenant, parse_query

SECRET = "hunter2 & more"
MARKED = {"$secret": SECRET}


def opened(service: SimpleNamespace, sealed: str) -> str:
    return str(service.sealer.open(sealed, PROJECT))


def kept_variables(store: Store, name: str = "e") -> dict[str, Any]:
    return dict(store.get("environment", name, tenant=Tenant(PROJECT))["variables"])


def test_a_marked_variable_is_kept_sealed_and_told_to_nobody(
    client: FlaskClient, store: Store, service: SimpleNamespace
) -> None:
    created = client.post("/v2/environments", json={"name": "e", "variables": {"a": {"b": [MARKED]}, "c": 1}})
    assert created.status_code == 201
    assert json.loads(created.get_json()["variables"]) == {"a": {"b": ["***"]}, "c": 1}
    assert opened(service, kept_variables(store)["a"]["b"][0]) == SECRET
    for path in ("/v2/environments/e", "/v2/environments", "/v2/environments?fields=variables"):
        text = client.get(path).get_data(as_text=True)
        assert "***" in text
        assert "sealed:" not in text


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "e", "variables": {"a": {"$secret": "hunter2 & more"}}}',
        b'{"name": "e", "variables": "{\\"a\\": {\\"$secret\\": \\"hunter2 & more\\"}}"}',
        b'{"name": "e", "variables": {"a": {"\\u0024secret": "hunter2 & more"}}}',
    ],
)
def test_a_mark_counts_however_it_is_written(
    client: FlaskClient, store: Store, service: SimpleNamespace, body: bytes
) -> None:
    assert client.post("/v2/environments", data=body, content_type="application/json").status_code == 201
    assert opened(service, kept_variables(store)["a"]) == SECRET


def test_a_mark_counts_wherever_data_comes_in(client: FlaskClient, engine: RecordingEngine, store: Store) -> None:
    client.post("/v2/workflows", data=WORKFLOW)
    given = {"who": MARKED}
    client.post("/v2/executions", json={"workflow_name": "greet", "input": given, "params": {"env": {"t": MARKED}}})
    engine.answer = execution_row("e1", workflow_name="greet")
    keep(store, engine.answer)
    client.put("/v2/executions/e1", json={"params": {"env": {"t": MARKED}}})
    engine.answer = action_row("a1", None, input={}, state="SUCCESS", output={})
    client.post("/v2/action_executions", json={"name": "std.echo", "input": {"output": MARKED}})
    asked = [c for c in engine.commands if not isinstance(c, commands.DeleteExecution)]
    assert len(asked) == 3
    assert all(holds_sealed([getattr(c, "input", None), getattr(c, "env", None)]) for c in asked)
    assert holds_sealed(asked[0].params)
    assert "hunter2" not in repr(asked)


def test_a_mark_counts_in_triggers(client: FlaskClient, store: Store) -> None:
    client.post("/v2/workflows", data=WORKFLOW)
    about = {"workflow_name": "greet", "workflow_input": {"who": MARKED}, "workflow_params": {"env": {"t": MARKED}}}
    cron = client.post("/v2/cron_triggers", json={"name": "c", "pattern": "* * * * *", **about})
    assert cron.status_code == 201, cron.get_json()
    assert cron.get_json()["workflow_input"] == '{"who": "***"}'
    workflow = client.get("/v2/workflows/greet").get_json()["id"]
    where = {"name": "v", "workflow_id": workflow, "exchange": "x", "topic": "t", "event": "e"}
    event = client.post("/v2/event_triggers", json={**where, **{k: about[k] for k in list(about)[1:]}})
    assert event.status_code == 201, event.get_json()
    for kind in ("cron_trigger", "event_trigger"):
        (row,) = store.list(kind, parse_query(kind, {}), tenant=Tenant(PROJECT)).items
        assert holds_sealed(row["workflow_input"])
        assert holds_sealed(row["workflow_params"])
        assert "hunter2" not in repr(row)


def test_without_a_key_a_mark_is_refused_and_nothing_kept(service: SimpleNamespace) -> None:
    service.sealer = Sealer()
    client = create_app(service).test_client()
    answer = client.post("/v2/environments", json={"name": "e", "variables": {"a": MARKED}})
    assert answer.status_code == 400
    said = answer.get_json()["faultstring"]
    assert "mistralish secret-key create" in said
    assert "MISTRALISH_SECRET_KEYS" in said
    assert "hunter2" not in said
    assert client.get("/v2/environments/e").status_code == 404


@pytest.mark.parametrize("value", ["abc", 12345, {"a": "hunter2"}, None])
def test_a_mark_that_cannot_be_is_refused_without_being_told(client: FlaskClient, value: Any) -> None:
    answer = client.post("/v2/environments", json={"name": "e", "variables": {"a": {"$secret": value}}})
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"] == 'A secret value must be text of at least 4 characters: {"$secret": "…"}'


def test_sealed_text_is_taken_from_nobody(client: FlaskClient, service: SimpleNamespace) -> None:
    sealed = service.sealer.seal(SECRET, PROJECT)
    bodies = [{"name": "e", "variables": {"a": f"Bearer {sealed}"}}, {"name": "e", "description": sealed}]
    for body in bodies:
        answer = client.post("/v2/environments", json=body)
        assert answer.status_code == 400
        assert "nobody but this service makes" in answer.get_json()["faultstring"]
    definition = WORKFLOW.replace("<% $.who %>", sealed)
    assert client.post("/v2/workflows", data=definition).status_code == 400


def test_who_sends_back_what_was_read_keeps_the_secrets(
    client: FlaskClient, store: Store, service: SimpleNamespace
) -> None:
    variables = {"a": MARKED, "l": [MARKED, "x"], "password": "plain", "b": 1}
    client.post("/v2/environments", json={"name": "e", "variables": variables})
    before = kept_variables(store)
    for path in ("/v2/environments/e", "/v2/environments"):
        read = client.get(path).get_json()
        shown = json.loads((read.get("environments") or [read])[0]["variables"])
        shown["b"] += 1
        assert client.put("/v2/environments", json={"name": "e", "variables": shown}).status_code == 200
        after = kept_variables(store)
        assert after == {**before, "b": shown["b"]}
        client.put("/v2/environments", json={"name": "e", "variables": {**shown, "b": 1}})


def test_a_new_value_takes_the_place_of_a_secret(client: FlaskClient, store: Store, service: SimpleNamespace) -> None:
    client.post("/v2/environments", json={"name": "e", "variables": {"a": MARKED, "b": MARKED, "c": "x"}})
    sent = {"a": {"$secret": "another one"}, "b": "open", "c": "***"}
    client.put("/v2/environments", json={"name": "e", "variables": sent})
    kept = kept_variables(store)
    assert opened(service, kept["a"]) == "another one"
    assert kept["b"] == "open"
    assert kept["c"] == "***"  # nothing was hidden there, so this is a value like any other


UNMARKED = {"password": "hunter2", "headers": {"X-Auth-Token": "hunter3"}, "user": "bob"}
MASKED = {"password": "***", "headers": {"X-Auth-Token": "***"}, "user": "bob"}


@pytest.fixture
def run_of_unmarked(store: Store) -> None:
    """An execution with a task and an action that were given what only looks like secrets."""
    keep(
        store,
        execution_row("e1", input=UNMARKED, params={"env": UNMARKED}, output=UNMARKED, state="ERROR"),
        task_row("t1", "e1", published=UNMARKED, state="ERROR", state_info=f"Actual value: {UNMARKED}"),
        action_row("a1", "t1", workflow_execution_id="e1", input=UNMARKED, output={"result": UNMARKED}),
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v2/executions?include_output=true",
        "/v2/executions?fields=input,params,output",
        "/v2/executions/e1/executions?include_output=true",
        "/v2/tasks",
        "/v2/executions/e1/tasks",
        "/v2/action_executions?include_output=true",
        "/v2/tasks/t1/action_executions?include_output=true",
        "/v2/executions/e1/report",
    ],
)
def test_lists_and_reports_tell_nothing_under_a_secret_looking_name(
    client: FlaskClient, run_of_unmarked: None, path: str
) -> None:
    text = client.get(path).get_data(as_text=True)
    assert "bob" in text
    assert "***" in text
    assert "hunter" not in text


def test_one_resource_tells_what_was_not_marked_as_the_reference_does(
    client: FlaskClient, run_of_unmarked: None
) -> None:
    execution = client.get("/v2/executions/e1").get_json()
    assert json.loads(execution["input"]) == UNMARKED
    assert json.loads(client.get("/v2/tasks/t1").get_json()["published"]) == UNMARKED
    assert json.loads(client.get("/v2/action_executions/a1").get_json()["input"]) == UNMARKED
    assert client.get("/v2/tasks/t1").get_json()["state_info"] == f"Actual value: {MASKED}"


def test_definitions_are_listed_as_they_are(client: FlaskClient) -> None:
    definition = WORKFLOW.replace("greeting: hello", "token: <% env().t %>").replace("- who", "- author: who")
    client.post("/v2/workflows", data=definition)
    (listed,) = client.get("/v2/workflows").get_json()["workflows"]
    one = client.get("/v2/workflows/greet").get_json()
    assert listed == one
    assert "token" in listed["interface"]
    assert "<% env().t %>" in listed["interface"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v2/environments", {"name": "e", "variables": '{"password": "hunter2"'}),
        ("POST", "/v2/environments", {"name": "e", "variables": [{"password": "hunter2"}]}),
        ("POST", "/v2/environments", {"name": ["token", {"token": "hunter2"}]}),
        ("POST", "/v2/action_executions", {"name": "std.noop", "params": {"run_sync": {"token": "hunter2"}}}),
        ("PUT", "/v2/executions/e1", {"params": {"env": [{"password": "hunter2"}]}}),
        ("GET", '/v2/executions?created_at={"password":"hunter2"}', None),
        ("GET", "/v2/executions?limit=Bearer hunter2hunter2", None),
    ],
)
def test_errors_quote_no_secret(client: FlaskClient, store: Store, method: str, path: str, body: Any) -> None:
    keep(store, execution_row("e1"))
    answer = client.open(path, method=method, json=body) if body else client.get(path)
    assert answer.status_code == 400, answer.get_json()
    assert "hunter2" not in answer.get_json()["faultstring"]


def test_a_result_that_comes_by_the_api_is_sealed_where_it_repeats_a_secret(
    client: FlaskClient, engine: RecordingEngine, store: Store, service: SimpleNamespace
) -> None:
    sealed = service.sealer.seal(SECRET, PROJECT)
    keep(
        store,
        execution_row("e1", input={}, params={"env": {"t": service.sealer.seal("of the env", PROJECT)}}),
        task_row("t1", "e1"),
        action_row("a1", "t1", workflow_execution_id="e1", input={"body": sealed}, state="RUNNING"),
    )
    engine.answer = action_row("a1", "t1", state="SUCCESS", output={})
    client.put("/v2/action_executions/a1", json={"state": "SUCCESS", "output": {"x": f"{SECRET}!", "y": "of the env"}})
    (command,) = engine.commands
    assert command.data["x"] == f"{sealed}!"
    assert opened(service, command.data["y"]) == "of the env"
