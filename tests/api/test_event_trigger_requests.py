"""``/v2/event_triggers`` and ``/v2/events``."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine
from rows import execution_row

from mistralish.errors import InputError, UnavailableError

PATH = "/v2/event_triggers"
NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def workflow(client: FlaskClient) -> str:
    text = "version: '2.0'\nflow:\n  input: [{a: 1}]\n  tasks:\n    t: {action: std.noop}\n"
    return client.post("/v2/workflows", data=text).get_json()["workflows"][0]["id"]


def body(workflow: str, **values: Any) -> dict[str, Any]:
    return {"name": "x", "exchange": "nova", "topic": "t", "event": "ev", "workflow_id": workflow, **values}


def made(client: FlaskClient, workflow: str, **values: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=body(workflow, **values))
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def test_a_trigger_is_created_and_read_with_every_attribute(client: FlaskClient, workflow: str) -> None:
    created = made(client, workflow, workflow_input='{"a": 2}', workflow_params={"env": {"k": 1}})
    assert list(created) == [
        *("id", "created_at", "updated_at", "project_id", "name", "workflow_id", "workflow_input"),
        *("workflow_params", "exchange", "topic", "event", "scope"),
    ]
    assert (created["workflow_input"], created["workflow_params"]) == ('{"a": 2}', '{"env": {"k": 1}}')
    assert (created["updated_at"], created["scope"]) == (None, "private")
    assert client.get(f"{PATH}/{created['id']}").get_json() == created
    assert client.get(f"{PATH}/{created['id']}?fields=topic").get_json() == {"id": created["id"], "topic": "t"}


def test_a_project_may_wait_for_so_many_topics_only(
    client: FlaskClient, service: SimpleNamespace, workflow: str
) -> None:
    for number in range(3):
        made(client, workflow, topic=f"t{number}")
    broker = {"event_broker_url": "amqp://u:p@h", "event_sources_per_project": 3}
    service.settings = replace(service.settings, **broker)
    refused = client.post(PATH, json=body(workflow, topic="t3"))
    assert refused.status_code == 400
    assert (
        "may wait for 3 different topics of exchanges, and this one's do already" in refused.get_json()["faultstring"]
    )
    made(client, workflow, topic="t2", event="another")
    service.settings = replace(service.settings, event_broker_url="")
    made(client, workflow, topic="t3")


def test_a_trigger_without_name_and_input_has_empty_ones(client: FlaskClient, workflow: str) -> None:
    created = client.post(PATH, json={k: v for k, v in body(workflow).items() if k != "name"}).get_json()
    assert (created["name"], created["workflow_input"], created["workflow_params"]) == ("", "{}", "{}")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"exchange": ""}, 400, "must be provided for creating event trigger"),
        ({"workflow_id": None}, 400, "Missing: workflow_id"),
        ({"workflow_id": "nope"}, 400, "Expected a uuid but received nope."),
        ({"workflow_id": NOBODY}, 404, f"Workflow not found [workflow_id={NOBODY}]"),
        ({"workflow_input": {"zz": 1}}, 400, "Invalid input [name=flow, class=DirectWorkflowSpec, unexpected=['zz']]"),
        ({"workflow_input": "["}, 400, "workflow_input"),
        ({"topic": "t" * 81}, 400, "at most 80 characters"),
        ({"name": "n" * 201}, 400, "at most 200 characters"),
        ({"scope": "shared"}, 400, "private, public"),
        ({"pattern": "x"}, 400, "Unknown attribute: pattern"),
        ({"id": NOBODY}, 400, "Cannot set read only field"),
    ],
)
def test_a_wrong_trigger_is_refused_and_not_kept(
    client: FlaskClient, workflow: str, change: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post(PATH, json=body(workflow, **change))
    assert answer.status_code == status
    assert words in answer.get_json()["faultstring"]
    assert client.get(PATH).get_json() == {"event_triggers": []}


def test_the_same_event_for_the_same_workflow_twice_is_a_conflict(client: FlaskClient, workflow: str) -> None:
    made(client, workflow)
    answer = client.post(PATH, json=body(workflow, name="other"))
    assert answer.status_code == 409
    assert answer.get_json()["faultstring"].startswith(
        "Duplicate entry for EventTrigger ['exchange', 'topic', 'event', 'workflow_id', 'project_id']: nova, t, ev, "
    )


def test_a_trigger_changes_what_it_starts_and_not_what_it_waits_for(client: FlaskClient, workflow: str) -> None:
    created = made(client, workflow)
    changed = client.put(f"{PATH}/{created['id']}", json={"name": "new", "workflow_params": {"env": {}}}).get_json()
    assert changed == {**created, "name": "new", "workflow_params": '{"env": {}}', "updated_at": changed["updated_at"]}
    refused = client.put(f"{PATH}/{created['id']}", json={"event": "other"})
    assert refused.status_code == 400
    assert "Can not update fields ['exchange', 'topic', 'event'] of event trigger." in refused.get_json()["faultstring"]
    assert client.put(f"{PATH}/{created['id']}", json={"workflow_id": NOBODY}).status_code == 404
    assert client.put(f"{PATH}/{NOBODY}", json={"name": "x"}).status_code == 404
    assert client.get(f"{PATH}/{created['id']}").get_json() == changed


def test_triggers_are_listed_filtered_and_paged(client: FlaskClient, workflow: str) -> None:
    ids = [made(client, workflow, event=f"e{n}")["id"] for n in range(3)]
    first = client.get(f"{PATH}?limit=2").get_json()
    assert [row["id"] for row in first["event_triggers"]] == ids[:2]
    rest = client.get(first["next"].partition("localhost")[2]).get_json()
    assert [row["id"] for row in rest["event_triggers"]] == ids[2:]
    assert "next" not in rest
    found = client.get(f"{PATH}?event=in:e1,e2&fields=event").get_json()["event_triggers"]
    assert found == [{"id": ids[1], "event": "e1"}, {"id": ids[2], "event": "e2"}]
    assert client.get(f"{PATH}?workflow_namespace=x").status_code == 400


def test_a_trigger_is_removed_once_and_then_its_workflow_can_be(client: FlaskClient, workflow: str) -> None:
    path = f"{PATH}/{made(client, workflow)['id']}"
    refused = client.delete("/v2/workflows/flow")
    assert refused.status_code == 400
    assert "Can't delete workflow that has event triggers associated." in refused.get_json()["faultstring"]
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert client.delete("/v2/workflows/flow").status_code == 204
    assert client.get(f"{PATH}/nope").status_code == 400


def test_listeners_hear_of_new_and_removed_triggers(
    client: FlaskClient, workflow: str, service: SimpleNamespace
) -> None:
    woken: list[None] = []
    service.listeners = SimpleNamespace(wake=lambda: woken.append(None))
    created = made(client, workflow)
    assert len(woken) == 1
    client.delete(f"{PATH}/{created['id']}")
    assert len(woken) == 2


def test_an_event_starts_the_workflow_of_every_trigger_that_waits_for_it(
    client: FlaskClient, workflow: str, engine: RecordingEngine
) -> None:
    trigger = made(client, workflow, workflow_input={"a": 3}, workflow_params={"env": {"k": 1}})
    made(client, workflow, event="another")
    event = {"exchange": "nova", "topic": "t", "event": "ev", "payload": [1], "publisher": "p", "message_id": "m1"}
    answer = client.post("/v2/events", json=event)
    assert answer.status_code == 201
    (command,) = engine.commands
    assert answer.get_json() == {
        "executions": [{"event_trigger_id": trigger["id"], "execution_id": command.execution_id, "error": None}]
    }
    assert (command.workflow, command.input, command.project_id) == (workflow, {"a": 3}, "<default-project>")
    assert command.params["env"] == {"k": 1}
    given = command.params["event_params"]
    assert (given["service"], given["payload"], given["event_type"]) == ("p", [1], "ev")
    assert json.loads(command.description)["triggered_by"] == {
        "type": "event_trigger",
        "id": trigger["id"],
        "name": "x",
    }
    engine.answer = execution_row(command.execution_id)  # as the engine does for an id that exists
    again = client.post("/v2/events", json=event).get_json()
    assert again == answer.get_json()


def test_the_same_event_without_a_message_id_is_another_event(
    client: FlaskClient, workflow: str, engine: RecordingEngine
) -> None:
    made(client, workflow)
    for _ in range(2):
        client.post("/v2/events", json={"exchange": "nova", "topic": "t", "event": "ev"})
    first, second = engine.commands
    assert first.execution_id != second.execution_id


def test_an_event_that_nobody_waits_for_starts_nothing(client: FlaskClient, engine: RecordingEngine) -> None:
    answer = client.post("/v2/events", json={"exchange": "a", "topic": "b", "event": "c"})
    assert (answer.status_code, answer.get_json(), engine.commands) == (201, {"executions": []}, [])
    missing = client.post("/v2/events", json={"exchange": "a", "topic": "b"})
    assert missing.status_code == 400
    assert "Missing: event" in missing.get_json()["faultstring"]


def test_a_trigger_whose_workflow_cannot_be_started_says_why(
    client: FlaskClient, workflow: str, engine: RecordingEngine
) -> None:
    trigger = made(client, workflow)
    engine.answer = InputError("Invalid input [name=flow]")
    answer = client.post("/v2/events", json={"exchange": "nova", "topic": "t", "event": "ev"})
    assert answer.get_json() == {
        "executions": [{"event_trigger_id": trigger["id"], "error": "Invalid input [name=flow]"}]
    }
    engine.answer = UnavailableError("not now")
    assert client.post("/v2/events", json={"exchange": "nova", "topic": "t", "event": "ev"}).status_code == 503
