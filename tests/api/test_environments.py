"""``/v2/environments``."""

from typing import Any

import pytest
from flask.testing import FlaskClient


def test_an_environment_is_kept_and_its_variables_are_shown_as_text(client: FlaskClient) -> None:
    answer = client.post("/v2/environments", json={"name": "e", "description": "d", "variables": {"a": 1}})
    assert answer.status_code == 201
    created = answer.get_json()
    assert set(created) == {"id", "name", "description", "variables", "scope", "project_id", "created_at"}
    assert created["variables"] == '{"a": 1}'
    assert client.get("/v2/environments/e").get_json() == {**created, "updated_at": None}
    assert client.get(f"/v2/environments/{created['id']}").get_json()["name"] == "e"


def test_what_was_not_sent_is_not_answered(client: FlaskClient) -> None:
    created = client.post("/v2/environments", json={"name": "e"}).get_json()
    assert set(created) == {"id", "name", "scope", "project_id", "created_at"}


def test_an_update_changes_what_was_sent_and_nothing_else(client: FlaskClient) -> None:
    client.post("/v2/environments", json={"name": "e", "description": "d", "variables": {"a": 1}})
    changed = client.put("/v2/environments", json={"name": "e", "variables": '{"b": 2}'}).get_json()
    assert (changed["variables"], changed["description"]) == ('{"b": 2}', "d")
    assert changed["updated_at"] is not None


def test_a_name_that_is_taken_is_a_conflict(client: FlaskClient) -> None:
    client.post("/v2/environments", json={"name": "e"})
    answer = client.post("/v2/environments", json={"name": "e"})
    assert answer.status_code == 409
    assert answer.get_json()["faultstring"].startswith("Duplicate entry for Environment ['name', 'project_id']: e, ")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"variables": {}}, "Name of the environment is not provided."),
        ({"name": ""}, "Name of the environment is not provided."),
        ({"name": "e", "id": "x"}, "Please, check your environment definition. Only: ['name', 'description',"),
        ({"name": "e", "project_id": "x"}, "Invalid input for field/attribute project_id. Value: 'x'. Cannot set read"),
        ({"name": "e", "bogus": 1}, "Unknown attribute: bogus. Known are: id, name,"),
        (
            {"name": "e", "scope": "all"},
            "Invalid input for field/attribute scope. Value: 'all'. Value should be one of",
        ),
        (
            {"name": "e", "variables": [1]},
            "Invalid input for field/attribute variables. Value: [1]. It must be an object",
        ),
        ({"name": "e" * 256}, "Invalid input for field/attribute name."),
    ],
)
@pytest.mark.parametrize("method", ["post", "put"])
def test_an_environment_that_is_none_is_refused(
    client: FlaskClient, method: str, body: dict[str, Any], text: str
) -> None:
    answer = getattr(client, method)("/v2/environments", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"].startswith(text)
    assert client.get("/v2/environments").get_json() == {"environments": []}


def test_unknown_environments_are_named(client: FlaskClient) -> None:
    for answer in (
        client.get("/v2/environments/e"),
        client.delete("/v2/environments/e"),
        client.put("/v2/environments", json={"name": "e"}),
    ):
        assert (answer.status_code, answer.get_json()["faultstring"]) == (404, "Environment not found [name=e]")


def test_a_removed_environment_is_gone(client: FlaskClient) -> None:
    client.post("/v2/environments", json={"name": "e"})
    answer = client.delete("/v2/environments/e")
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get("/v2/environments/e").status_code == 404
