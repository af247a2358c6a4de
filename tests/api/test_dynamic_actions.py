"""``/v2/code_sources`` and ``/v2/dynamic_actions``."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

SOURCES, ACTIONS = "/v2/code_sources", "/v2/dynamic_actions"
CODE = "class A:\n    def run(self, context):\n        return 1\n"


def source(client: FlaskClient, name: str = "mod", **arguments: str) -> dict[str, Any]:
    answer = client.post(SOURCES, query_string={"name": name, **arguments}, data=CODE)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def action(client: FlaskClient, **values: Any) -> dict[str, Any]:
    answer = client.post(ACTIONS, json={"name": "a", "class_name": "A", "code_source_name": "mod", **values})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", SOURCES),
        ("POST", SOURCES + "?name=m"),
        ("PUT", SOURCES + "?identifier=m"),
        ("GET", SOURCES + "/m"),
        ("DELETE", SOURCES + "/m"),
        ("GET", ACTIONS),
        ("POST", ACTIONS),
        ("PUT", ACTIONS),
        ("GET", ACTIONS + "/a"),
        ("DELETE", ACTIONS + "/a"),
    ],
)
def test_unless_switched_on_everything_is_forbidden_and_the_setting_is_named(
    client: FlaskClient, service: SimpleNamespace, method: str, path: str
) -> None:
    service.settings = replace(service.settings, dynamic_actions=False)
    answer = client.open(path, method=method)
    assert answer.status_code == 403
    assert "dynamic_actions = true" in answer.get_json()["faultstring"]


def test_a_code_source_is_created_read_replaced_and_removed(client: FlaskClient) -> None:
    made = source(client)
    assert list(made) == ["id", "name", "namespace", "content", "version", "project_id", "scope", "created_at"]
    assert (made["content"], made["version"], made["scope"]) == (CODE, 1, "private")
    answer = client.put(SOURCES, query_string={"identifier": "mod", "scope": "public"}, data="x = 2")
    changed = answer.get_json()
    assert (answer.status_code, changed["version"], changed["content"]) == (200, 2, "x = 2")
    assert client.get(f"{SOURCES}/mod").get_json() == client.get(f"{SOURCES}/{made['id']}").get_json() == changed
    assert client.get(SOURCES).get_json() == {"code_sources": [changed]}
    assert client.delete(f"{SOURCES}/mod").status_code == 204
    gone = client.get(f"{SOURCES}/mod")
    assert gone.status_code == 404
    assert gone.get_json()["faultstring"] == "Code Source not found [name=mod,namespace=]"


def test_code_sources_of_the_same_name_live_in_different_namespaces(client: FlaskClient) -> None:
    source(client)
    source(client, namespace="other")
    twice = client.post(SOURCES, query_string={"name": "mod"}, data=CODE)
    assert twice.status_code == 409
    assert client.get(f"{SOURCES}/mod?namespace=other").get_json()["namespace"] == "other"
    client.delete(f"{SOURCES}/mod?namespace=other")
    assert client.get(f"{SOURCES}/mod").status_code == 200


def test_a_dynamic_action_is_created_read_changed_and_removed(client: FlaskClient) -> None:
    mod = source(client)
    made = action(client)
    assert list(made) == [
        *("id", "name", "namespace", "code_source_id", "code_source_name", "class_name"),
        *("project_id", "scope", "created_at"),
    ]
    assert (made["code_source_id"], made["code_source_name"]) == (mod["id"], "mod")
    other = source(client, "mod2")
    answer = client.put(ACTIONS, json={"name": "a", "class_name": "B", "code_source_id": other["id"]})
    changed = answer.get_json()
    assert (answer.status_code, changed["class_name"], changed["code_source_name"]) == (200, "B", "mod2")
    assert client.put(ACTIONS, json={"id": made["id"], "scope": "public"}).get_json()["scope"] == "public"
    assert client.get(f"{ACTIONS}/a?fields=class_name").get_json() == {"id": made["id"], "class_name": "B"}
    assert len(client.get(ACTIONS).get_json()["dynamic_actions"]) == 1
    assert client.delete(f"{ACTIONS}/a").status_code == 204
    gone = client.get(f"{ACTIONS}/a")
    assert gone.status_code == 404
    assert gone.get_json()["faultstring"] == "Dynamic Action not found [name=a,namespace=]"


def test_the_actions_of_a_code_source_go_with_it(client: FlaskClient) -> None:
    source(client)
    action(client)
    client.delete(f"{SOURCES}/mod")
    assert client.get(ACTIONS).get_json() == {"dynamic_actions": []}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"name": None}, 400, "'name' of the dynamic action is not provided"),
        ({"class_name": ""}, 400, "'class_name' of the dynamic action is not provided"),
        ({"code_source_name": None}, 400, "Either 'code_source_id' or 'code_source_name' must be provided."),
        ({"code_source_name": "nope"}, 404, "Code Source not found [name=nope,namespace=]"),
        ({"namespace": "elsewhere"}, 404, "Code Source not found [name=mod,namespace=elsewhere]"),
        ({"name": "n" * 256}, 400, "at most 255"),
        ({"scope": "all"}, 400, "private, public"),
    ],
)
def test_a_wrong_dynamic_action_is_refused(
    client: FlaskClient, change: dict[str, Any], status: int, words: str
) -> None:
    source(client)
    answer = client.post(ACTIONS, json={"name": "a", "class_name": "A", "code_source_name": "mod", **change})
    assert answer.status_code == status
    assert words in answer.get_json()["faultstring"]


def test_what_a_request_does_not_name_is_asked_for(client: FlaskClient) -> None:
    assert client.post(SOURCES, data=CODE).status_code == 400
    assert client.put(SOURCES, data=CODE).status_code == 400
    assert client.post(SOURCES, query_string={"name": "m", "scope": "all"}, data=CODE).status_code == 400
    assert client.put(ACTIONS, json={}).get_json()["faultstring"] == "Either 'name' or 'id' must be provided."
    assert client.put(ACTIONS, json={"name": "none"}).status_code == 404
