"""Bad input of every kind: a 4xx whose text would let a stranger put it right, and nothing has changed.

Bad arguments of lists are in ``test_lists``, bad triggers, environments and updates with their resources.
"""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine, keep
from rows import WORKFLOW, execution_row

from mistralish.api import create_app
from mistralish.errors import UnavailableError
from mistralish.store import Store

EVERYTHING = (
    "workflows", "workbooks", "actions", "executions", "tasks", "action_executions", "environments", "cron_triggers",
)  # fmt: skip


@pytest.fixture
def untouched(client: FlaskClient, engine: RecordingEngine, store: Store) -> Any:
    """Something of most kinds is there; afterwards it is still there, as it was, and the engine was not asked."""
    client.post("/v2/workflows", data=WORKFLOW)
    client.post("/v2/environments", json={"name": "e"})
    keep(store, execution_row("e"))
    before = [client.get(f"/v2/{collection}").get_json() for collection in EVERYTHING]
    revision = store.revision()
    yield
    assert [client.get(f"/v2/{collection}").get_json() for collection in EVERYTHING] == before
    assert store.revision() == revision
    assert engine.commands == []


DEFINITIONS = {
    "broken YAML": ("version: '2.0'\nw:\n  tasks: [\n", "line"),
    "empty": ("", "empty"),
    "not a mapping": ("- a\n- b\n", "mapping"),
    "no version": (WORKFLOW.replace("version: '2.0'\n", ""), "version"),
    "a version that is none": (WORKFLOW.replace("'2.0'", "[2]"), "version"),
    "no workflow": ("version: '2.0'\n", "workflow"),
    "unknown key": (WORKFLOW.replace("publish:", "publsh:"), "publish"),
    "unknown task in a transition": (WORKFLOW + "      on-success: nowhere\n", "nowhere"),
    "wrong type": (WORKFLOW.replace("tags: [a, b]", "tags: {a: b}"), "tags"),
    "duplicate key": (WORKFLOW + "    say:\n      action: std.noop\n", "say"),
    "bad expression": (WORKFLOW.replace("<% $.who %>", "<% $.who( %>"), "line"),
    "YAML tag": (WORKFLOW.replace("says hello", "!!python/object:os.system x"), "tag"),
    "NUL character": (WORKFLOW.replace("says", "s\x00ys"), "line"),
    "name too long": (WORKFLOW.replace("greet:", "g" * 256 + ":", 1), "255"),
}


@pytest.mark.parametrize("kind", DEFINITIONS)
@pytest.mark.usefixtures("untouched")
def test_a_bad_definition_is_refused_with_what_is_wrong(client: FlaskClient, kind: str) -> None:
    text, hint = DEFINITIONS[kind]
    answer = client.post("/v2/workflows", data=text, content_type="text/plain")
    assert answer.status_code == 400
    assert hint in answer.get_json()["faultstring"]


BODIES = {
    "malformed": (b'{"workflow_name": "greet",\n}', "line 2, column 1"),
    "no JSON": (b"workflow_name=greet", "Request is not in valid JSON format: Expecting value at line 1, column 1"),
    "cut off": (b'{"workflow_name": "gr', "line 1, column 19"),
    "not UTF-8": (b'{"workflow_name": "\xff"}', "byte 19 is not UTF-8"),
    "empty": (b"", "Missing request body: send a JSON object"),
    "a list": (b"[]", "The request body must be a JSON object, not a list"),
    "a string": (b'"x"', "not a string"),
    "null": (b"null", "not null"),
    "a number": (b"1", "not a number"),
    "NaN": (b'{"input": {"who": NaN}}', "NaN is not a JSON value"),
    "nested too deeply": (b'{"input":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested too deeply"),
    "half a character": (b'{"workflow_name": "\\ud800"}', "surrogate"),
    "NUL character": (b'{"workflow_name": "a\\u0000b"}', "\\u0000"),
    "unknown attribute": (b'{"workflow": "greet"}', "Unknown attribute: workflow. Known are: id, workflow_id,"),
    "wrong type": (b'{"workflow_name": 1}', "Invalid input for field/attribute workflow_name. Value: 1."),
    "input of a wrong type": (
        b'{"workflow_name": "greet", "input": [1]}',
        "field/attribute input. Value: [1]. It must be",
    ),
    "input that is no JSON": (
        b'{"workflow_name": "greet", "input": "x"}',
        "field/attribute input. Value: 'x'. It must be",
    ),
    "read-only attribute": (b'{"workflow_name": "greet", "project_id": "x"}', "Cannot set read only field."),
    "no workflow": (b'{"input": {}}', "Workflow ID or workflow name must be provided."),
    "id too long": (json.dumps({"id": "i" * 256, "workflow_name": "greet"}).encode(), "255"),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.usefixtures("untouched")
def test_a_bad_body_is_refused_with_what_is_wrong(client: FlaskClient, kind: str) -> None:
    body, hint = BODIES[kind]
    answer = client.post("/v2/executions", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert hint in answer.get_json()["faultstring"]
    assert answer.get_json()["faultcode"] == "Client"


@pytest.mark.usefixtures("untouched")
def test_an_unknown_source_execution_is_named(client: FlaskClient) -> None:
    answer = client.post("/v2/executions", json={"source_execution_id": "none"})
    assert answer.status_code == 404
    assert answer.get_json()["faultstring"] == "WorkflowExecution not found [id=none]"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
@pytest.mark.usefixtures("untouched")
def test_a_resource_in_anything_but_json_is_an_unsupported_media_type(client: FlaskClient, content_type: str) -> None:
    answer = client.post("/v2/executions", data='{"workflow_name": "greet"}', content_type=content_type)
    assert answer.status_code == 415
    assert "application/json" in answer.get_json()["faultstring"]


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "application/atom+xml"])
@pytest.mark.usefixtures("untouched")
def test_xml_is_refused_for_definitions_too(client: FlaskClient, content_type: str) -> None:
    answer = client.post("/v2/workflows", data=WORKFLOW.replace("greet", "x"), content_type=content_type)
    assert answer.status_code == 415
    assert "text/plain" in answer.get_json()["faultstring"]


@pytest.mark.usefixtures("untouched")
def test_a_definition_that_is_no_text_is_refused(client: FlaskClient) -> None:
    answer = client.post("/v2/workflows", data=b"version: '2.0'\n\xff:")
    assert answer.status_code == 400
    assert "UTF-8" in answer.get_json()["faultstring"]


@pytest.mark.parametrize("path", ["workflows", "workbooks", "actions", "workflows/validate"])
@pytest.mark.usefixtures("untouched")
def test_a_body_that_is_too_large_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(f"/v2/{path}", data="x" * 100_001)
    assert answer.status_code == 413
    assert "max_body_bytes" in answer.get_json()["faultstring"]


@pytest.mark.parametrize("path", ["workflows", "workbooks", "actions"])
@pytest.mark.usefixtures("untouched")
def test_a_scope_that_is_none_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(f"/v2/{path}?scope=all", data=WORKFLOW)
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"] == "Scope must be one of the following: private, public; actual: all"


@pytest.mark.usefixtures("untouched")
def test_an_unknown_argument_of_an_upload_is_refused(client: FlaskClient) -> None:
    answer = client.post("/v2/workflows?name_space=n", data=WORKFLOW)
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"].startswith('Unknown argument: "name_space". Known are: namespace, scope,')


@pytest.mark.parametrize("path", ["/v2/nothing", "/nothing", "/v2/workflows/a/b", "/v2/executions/a/nothing"])
def test_an_unknown_route_is_answered_as_json(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.get_json()["faultcode"] == "Client"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("patch", "/v2/workflows", "PUT"),
        ("post", "/v2/tasks", "GET"),
        ("delete", "/v2/tasks/t", "PUT"),
        ("put", "/v2/executions", "POST"),
        ("get", "/v2/workflows/validate/x", None),
    ],
)
def test_a_wrong_method_says_which_are_right(client: FlaskClient, method: str, path: str, allowed: str | None) -> None:
    answer = getattr(client, method)(path)
    assert answer.is_json
    if allowed is None:
        assert answer.status_code == 404
    else:
        assert answer.status_code == 405
        assert allowed in answer.headers["Allow"]
        assert allowed in answer.get_json()["faultstring"]


@pytest.mark.parametrize("path", ["/v2/workflows/a%00b", "/v2/executions?state=a%00b", "/v2/executions?marker=%00"])
def test_a_nul_character_in_the_address_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_text_that_is_no_utf8_in_the_address_finds_nothing(client: FlaskClient) -> None:
    assert client.get("/v2/workflows/%ff%fe").status_code == 404
    assert client.get("/v2/workflows?name=%ff").get_json() == {"workflows": []}


def test_an_unexpected_failure_is_a_500_with_the_id_under_which_the_log_has_it(
    service: SimpleNamespace, engine: RecordingEngine, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    keep(store, execution_row("e"))
    engine.answer = RuntimeError("secret detail")
    answer = create_app(service).test_client().delete("/v2/executions/e")
    assert answer.status_code == 500
    request_id = answer.headers["X-Request-Id"]
    assert request_id in answer.get_json()["faultstring"]
    assert "secret" not in answer.get_data(as_text=True)
    assert request_id in caplog.text
    assert "secret detail" in caplog.text


def test_when_the_service_cannot_do_it_now_the_answer_says_when_to_come_back(
    client: FlaskClient, engine: RecordingEngine, store: Store
) -> None:
    keep(store, execution_row("e"))
    engine.answer = UnavailableError("The database cannot be written")
    answer = client.delete("/v2/executions/e")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
