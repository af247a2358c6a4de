"""``/v2/cron_triggers``."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from rows import WORKFLOW

from mistralish.store import Store, Tenant

TRIGGER = {"name": "t", "workflow_name": "greet", "workflow_input": {"who": "w"}, "pattern": "0 0 1 1 *"}
LATER = "2999-01-01 00:00"


@pytest.fixture(autouse=True)
def greet(client: FlaskClient) -> dict[str, Any]:
    return client.post("/v2/workflows", data=WORKFLOW).get_json()["workflows"][0]


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {**{k: v for k, v in TRIGGER.items() if k not in names}, **more}


def test_a_trigger_is_kept_shown_and_wakes_the_scheduler(
    client: FlaskClient, service: SimpleNamespace, greet: dict[str, Any]
) -> None:
    answer = client.post("/v2/cron_triggers", json=TRIGGER)
    assert answer.status_code == 201
    created = answer.get_json()
    assert set(created) == {
        "id", "name", "workflow_name", "workflow_id", "workflow_input", "workflow_params", "project_id", "scope",
        "pattern", "remaining_executions", "first_execution_time", "next_execution_time", "created_at",
    }  # fmt: skip
    assert (created["workflow_id"], created["workflow_input"]) == (greet["id"], '{"who": "w"}')
    assert (created["workflow_params"], created["remaining_executions"]) == ("{}", None)
    assert created["next_execution_time"].endswith("-01-01 00:00:00")
    assert len(service.scheduler.wakings) == 1
    for identifier in ("t", created["id"]):
        assert client.get(f"/v2/cron_triggers/{identifier}").get_json() == {**created, "updated_at": None}


def test_a_first_time_alone_fires_once(client: FlaskClient) -> None:
    created = client.post("/v2/cron_triggers", json=without("pattern", first_execution_time=LATER)).get_json()
    assert created["next_execution_time"] == created["first_execution_time"] == "2999-01-01 00:00:00"
    assert (created["remaining_executions"], created["pattern"]) == (1, "0 0 30 2 0")


def test_a_first_time_with_a_pattern_comes_first(client: FlaskClient) -> None:
    body = {**TRIGGER, "first_execution_time": LATER, "remaining_executions": "3"}
    created = client.post("/v2/cron_triggers", json=body).get_json()
    assert (created["next_execution_time"], created["remaining_executions"]) == ("2999-01-01 00:00:00", 3)


def test_a_time_zone_shifts_the_next_time_and_is_shown(client: FlaskClient) -> None:
    created = client.post("/v2/cron_triggers", json={**TRIGGER, "time_zone": "Asia/Tokyo"}).get_json()
    assert created["next_execution_time"].endswith("-12-31 15:00:00")
    assert created["time_zone"] == "Asia/Tokyo"


def test_a_workflow_is_named_by_id_or_in_a_namespace(client: FlaskClient, store: Store, greet: dict[str, Any]) -> None:
    client.post("/v2/workflows?namespace=n", data=WORKFLOW)
    by_id = client.post("/v2/cron_triggers", json=without("workflow_name", workflow_id=greet["id"])).get_json()
    assert by_id["workflow_name"] == "greet"
    body = without("name", name="u", workflow_params={"namespace": "n", "env": {}})
    client.post("/v2/cron_triggers", json=body)
    assert store.get("cron_trigger", "u", tenant=Tenant("<default-project>"))["workflow_namespace"] == "n"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (without("name"), 400, "Name of the cron trigger is not provided."),
        (without("pattern"), 400, "Pattern or first_execution_time must be specified."),
        (without(pattern=None), 400, "Pattern or first_execution_time must be specified."),
        (without(pattern="x"), 400, "The specified pattern is not valid: x"),
        (without(pattern="61 * * * *"), 400, "The specified pattern is not valid: 61 * * * *"),
        (without(pattern="0 0 31 2 *"), 400, "The specified pattern is not valid: 0 0 31 2 *"),
        (without(time_zone="Mars/Base"), 400, "Unknown time zone 'Mars/Base'"),
        (without(first_execution_time="2020-01-01 00:00"), 400, "first_execution_time must be at least 1 minute in"),
        (without(first_execution_time="soon"), 400, "first_execution_time: time data 'soon' does not match format"),
        (without(first_execution_time=7), 400, "Invalid input for field/attribute first_execution_time. Value: 7."),
        (
            without("pattern", first_execution_time=LATER, remaining_executions=2),
            400,
            "Pattern must be provided if count is superior to 1.",
        ),
        (without(remaining_executions=0), 400, "Invalid input for field/attribute remaining_executions. Value: 0."),
        (without(remaining_executions=2**63), 400, "Invalid input for field/attribute remaining_executions."),
        (without(remaining_executions=1.5), 400, "Invalid input for field/attribute remaining_executions."),
        (without(workflow_name="none"), 404, "Workflow not found [workflow_identifier=none, namespace=]"),
        (without("workflow_name"), 400, "Workflow not found: give workflow_id or workflow_name"),
        (without("workflow_input"), 400, "Invalid input [name=greet"),
        (without(workflow_input={"who": 1, "x": 2}), 400, "Invalid input [name=greet"),
        (without(workflow_params={"namespace": 1}), 400, "workflow_params.namespace must be text, not 1"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(
    client: FlaskClient, service: SimpleNamespace, body: dict[str, Any], status: int, text: str
) -> None:
    answer = client.post("/v2/cron_triggers", json=body)
    assert answer.status_code == status
    assert answer.get_json()["faultstring"].startswith(text)
    assert client.get("/v2/cron_triggers").get_json() == {"cron_triggers": []}
    assert service.scheduler.wakings == []


def test_a_name_that_is_taken_is_a_conflict(client: FlaskClient) -> None:
    client.post("/v2/cron_triggers", json=TRIGGER)
    answer = client.post("/v2/cron_triggers", json=TRIGGER)
    assert answer.status_code == 409
    assert answer.get_json()["faultstring"].startswith("Duplicate entry for cron trigger ['name', 'project_id']: t, ")


def test_a_removed_trigger_is_gone(client: FlaskClient) -> None:
    client.post("/v2/cron_triggers", json=TRIGGER)
    assert client.delete("/v2/cron_triggers/t").status_code == 204
    answer = client.delete("/v2/cron_triggers/t")
    assert (answer.status_code, answer.get_json()["faultstring"]) == (404, "Cron trigger not found [identifier=t]")


def test_a_trigger_cannot_be_changed(client: FlaskClient) -> None:
    answer = client.put("/v2/cron_triggers", json=TRIGGER)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
