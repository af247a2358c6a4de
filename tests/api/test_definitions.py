"""Workflows, workbooks and actions: uploading, reading, changing, removing. Shapes are those of the reference."""

import hashlib
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from rows import ACTION, TWO_WORKFLOWS, WORKBOOK, WORKFLOW

PARAMETERS = ["who", {"greeting": "hello"}, {"times": 2}, {"more": None}]


def post(client: FlaskClient, path: str, text: str) -> Any:
    return client.post(path, data=text, content_type="text/plain")


def put(client: FlaskClient, path: str, text: str) -> Any:
    return client.put(path, data=text, content_type="text/plain")


def test_an_uploaded_workflow_is_answered_with_its_interface_as_an_object(client: FlaskClient) -> None:
    answer = post(client, "/v2/workflows", WORKFLOW)
    assert answer.status_code == 201
    (workflow,) = answer.get_json()["workflows"]
    assert set(workflow) == {
        "id", "name", "namespace", "input", "interface", "definition", "checksum", "tags", "scope", "project_id",
        "created_at",
    }  # fmt: skip
    assert workflow["name"] == "greet"
    assert workflow["namespace"] == ""
    assert workflow["input"] == 'who, greeting="hello", times="2", more="None"'
    assert workflow["interface"] == {"input": PARAMETERS, "output": ["said"]}
    assert workflow["definition"] == WORKFLOW
    assert workflow["checksum"] == hashlib.md5(WORKFLOW.encode()).hexdigest()
    assert workflow["tags"] == ["a", "b"]
    assert (workflow["scope"], workflow["project_id"]) == ("private", "<default-project>")


def test_a_workflow_is_read_by_name_and_by_id_with_its_interface_as_text(client: FlaskClient) -> None:
    identifier = post(client, "/v2/workflows", WORKFLOW).get_json()["workflows"][0]["id"]
    by_name = client.get("/v2/workflows/greet").get_json()
    assert by_name == client.get(f"/v2/workflows/{identifier}").get_json()
    assert json.loads(by_name["interface"]) == {"input": PARAMETERS, "output": ["said"]}
    assert by_name["updated_at"] is None


def test_fields_choose_attributes_and_id_is_always_there(client: FlaskClient) -> None:
    post(client, "/v2/workflows", WORKFLOW)
    assert set(client.get("/v2/workflows/greet?fields=name,tags").get_json()) == {"id", "name", "tags"}
    assert set(client.get("/v2/workflows?fields=name").get_json()["workflows"][0]) == {"id", "name"}


def test_several_workflows_in_one_text_are_each_kept_with_their_own_definition(client: FlaskClient) -> None:
    created = post(client, "/v2/workflows", TWO_WORKFLOWS).get_json()["workflows"]
    assert [workflow["name"] for workflow in created] == ["one", "two"]
    for workflow in created:
        other = "two" if workflow["name"] == "one" else "one"
        assert f"{workflow['name']}:" in workflow["definition"]
        assert f"{other}:" not in workflow["definition"]
        assert workflow["checksum"] == hashlib.md5(workflow["definition"].encode()).hexdigest()


def test_when_one_of_several_workflows_is_taken_none_is_created(client: FlaskClient) -> None:
    post(client, "/v2/workflows", TWO_WORKFLOWS.replace("one:", "three:"))
    answer = post(client, "/v2/workflows", TWO_WORKFLOWS)
    assert answer.status_code == 409
    assert answer.get_json()["faultstring"].startswith(
        "Duplicate entry for WorkflowDefinition ['name', 'namespace', 'project_id']: two, "
    )
    assert client.get("/v2/workflows/one").status_code == 404


def test_when_one_of_several_workflows_to_update_is_unknown_none_is_changed(client: FlaskClient) -> None:
    post(client, "/v2/workflows", TWO_WORKFLOWS)
    before = client.get("/v2/workflows").get_json()
    changed = TWO_WORKFLOWS.replace("std.noop", "std.fail").replace("two:", "unknown:")
    answer = put(client, "/v2/workflows", changed)
    assert answer.status_code == 404
    assert answer.get_json()["faultstring"] == "Workflow not found [workflow_identifier=unknown, namespace=]"
    assert client.get("/v2/workflows").get_json() == before


def test_an_update_keeps_the_id_and_tells_when_it_was(client: FlaskClient) -> None:
    created = post(client, "/v2/workflows", WORKFLOW).get_json()["workflows"][0]
    changed = put(client, "/v2/workflows", WORKFLOW.replace("says hello", "greets")).get_json()["workflows"][0]
    assert changed["id"] == created["id"]
    assert changed["checksum"] != created["checksum"]
    assert changed["updated_at"] is not None


def test_an_update_that_changes_nothing_is_no_update(client: FlaskClient) -> None:
    post(client, "/v2/workflows", WORKFLOW)
    assert put(client, "/v2/workflows", WORKFLOW).get_json()["workflows"][0]["updated_at"] is None


def test_one_workflow_updated_by_id_is_answered_alone_and_may_get_a_new_name(client: FlaskClient) -> None:
    identifier = post(client, "/v2/workflows", WORKFLOW).get_json()["workflows"][0]["id"]
    answer = put(client, f"/v2/workflows/{identifier}", WORKFLOW.replace("greet:", "welcome:", 1))
    assert answer.get_json()["name"] == "welcome"
    assert client.get("/v2/workflows/greet").status_code == 404


def test_two_workflows_cannot_replace_one(client: FlaskClient) -> None:
    post(client, "/v2/workflows", WORKFLOW)
    answer = put(client, "/v2/workflows/greet", TWO_WORKFLOWS)
    assert answer.status_code == 400
    assert "More than one workflows are not supported for update with identifier" in answer.get_json()["faultstring"]


def test_namespaces_keep_workflows_of_one_name_apart(client: FlaskClient) -> None:
    post(client, "/v2/workflows", WORKFLOW)
    assert post(client, "/v2/workflows?namespace=n", WORKFLOW).status_code == 201
    assert client.get("/v2/workflows/greet?namespace=n").get_json()["namespace"] == "n"
    answer = client.get("/v2/workflows/greet?namespace=other")
    assert answer.status_code == 404
    assert answer.get_json() == {
        "faultcode": "Client",
        "faultstring": "Workflow not found [workflow_identifier=greet, namespace=other]",
        "debuginfo": None,
    }
    assert client.delete("/v2/workflows/greet?namespace=n").status_code == 204
    assert client.get("/v2/workflows/greet").get_json()["namespace"] == ""


def test_a_public_workflow_says_so(client: FlaskClient) -> None:
    assert post(client, "/v2/workflows?scope=public", WORKFLOW).get_json()["workflows"][0]["scope"] == "public"


@pytest.mark.parametrize("content_type", ["text/plain", "application/yaml", "application/json", None])
def test_a_definition_is_taken_whatever_its_media_type(client: FlaskClient, content_type: str | None) -> None:
    assert client.post("/v2/workflows", data=WORKFLOW, content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("workflows", WORKFLOW, WORKFLOW.replace("action:", "axion:")),
        ("workbooks", WORKBOOK, WORKBOOK.replace("name: book\n", "")),
        ("actions", ACTION, ACTION.replace("base:", "bose:", 1)),
    ],
)
def test_validation_says_whether_and_why_and_keeps_nothing(client: FlaskClient, path: str, good: str, bad: str) -> None:
    assert post(client, f"/v2/{path}/validate", good).get_json() == {"valid": True}
    answer = post(client, f"/v2/{path}/validate", bad)
    assert answer.status_code == 200
    assert answer.get_json()["valid"] is False
    assert "line" in answer.get_json()["error"]
    assert [d for d in client.get(f"/v2/{path}").get_json()[path] if not d.get("is_system")] == []


def test_a_workflow_with_triggers_is_not_removed(client: FlaskClient) -> None:
    post(client, "/v2/workflows", TWO_WORKFLOWS)
    trigger = {"name": "t", "workflow_name": "one", "pattern": "0 0 1 1 *"}
    identifier = client.post("/v2/cron_triggers", json=trigger).get_json()["id"]
    answer = client.delete("/v2/workflows/one")
    assert answer.status_code == 400
    assert answer.get_json()["faultstring"] == (
        "Can't delete workflow that has cron triggers associated. [workflow_identifier=one, namespace=], "
        f"[cron_trigger_id(s)={identifier}]"
    )


def test_a_workbook_brings_its_members_under_its_name(client: FlaskClient) -> None:
    answer = post(client, "/v2/workbooks?namespace=n&scope=public", WORKBOOK)
    assert answer.status_code == 201
    assert set(answer.get_json()) == {
        "id", "name", "namespace", "definition", "tags", "scope", "project_id", "created_at",
    }  # fmt: skip
    workflow = client.get("/v2/workflows/book.main?namespace=n").get_json()
    assert (workflow["checksum"], workflow["scope"], workflow["namespace"]) == (None, "public", "n")
    assert workflow["definition"].startswith("main:")
    action = client.get("/v2/actions/book.shout?namespace=n").get_json()
    assert (action["input"], action["description"]) == ("what, loud=3", "shouts")


def test_updating_a_workbook_adds_and_changes_members_and_leaves_the_others(client: FlaskClient) -> None:
    post(client, "/v2/workbooks", WORKBOOK)
    old = client.get("/v2/workflows/book.main").get_json()
    changed = WORKBOOK.replace("what=1", "what=2") + "  second:\n    tasks:\n      t:\n        action: std.noop\n"
    assert put(client, "/v2/workbooks", changed).status_code == 200
    new = client.get("/v2/workflows/book.main").get_json()
    assert new["id"] == old["id"]
    assert "what=2" in new["definition"]
    assert client.get("/v2/workflows/book.second").status_code == 200


def test_a_removed_workbook_leaves_its_members(client: FlaskClient) -> None:
    post(client, "/v2/workbooks", WORKBOOK)
    assert client.delete("/v2/workbooks/book").status_code == 204
    assert client.get("/v2/workbooks/book").status_code == 404
    assert client.get("/v2/workflows/book.main").status_code == 200


def test_a_workbook_whose_member_is_wrong_leaves_nothing(client: FlaskClient) -> None:
    answer = post(client, "/v2/workbooks", WORKBOOK.replace("tasks:", "tasks_:"))
    assert answer.status_code == 400
    assert client.get("/v2/workbooks").get_json() == {"workbooks": []}
    assert client.get("/v2/workflows").get_json() == {"workflows": []}


def test_a_workbook_that_is_there_is_a_conflict_and_one_that_is_not_cannot_be_updated(client: FlaskClient) -> None:
    assert put(client, "/v2/workbooks", WORKBOOK).status_code == 404
    post(client, "/v2/workbooks", WORKBOOK)
    assert post(client, "/v2/workbooks", WORKBOOK).status_code == 409


def test_an_ad_hoc_action_is_kept_with_its_parameters_as_json(client: FlaskClient) -> None:
    answer = post(client, "/v2/actions", ACTION)
    assert answer.status_code == 201
    (action,) = answer.get_json()["actions"]
    assert action["input"] == 'what, how="loudly", more=null'
    assert (action["is_system"], action["tags"], action["description"]) == (False, ["q"], "shouts")
    assert "updated_at" not in action


def test_an_action_is_looked_for_in_the_default_namespace_too(client: FlaskClient) -> None:
    post(client, "/v2/actions", ACTION)
    assert client.get("/v2/actions/shout?namespace=n").get_json()["namespace"] == ""
    answer = client.get("/v2/actions/whisper")
    assert answer.get_json()["faultstring"] == "Action not found [name=whisper, namespace=]"


def test_system_actions_are_listed_filtered_and_paged_with_the_ad_hoc_ones(client: FlaskClient) -> None:
    post(client, "/v2/actions", ACTION)
    names = [action["name"] for action in client.get("/v2/actions").get_json()["actions"]]
    assert names == sorted(names)
    assert {"shout", "std.echo", "std.http"} <= set(names)
    system = client.get("/v2/actions?is_system=true").get_json()["actions"]
    assert {a["name"] for a in system} == set(names) - {"shout"}
    paged = []
    link = "/v2/actions?limit=3"
    while link:
        page = client.get(link).get_json()
        paged += [action["name"] for action in page["actions"]]
        link = page.get("next", "").removeprefix("http://localhost")
    assert paged == names


def test_a_system_action_shows_its_parameters_and_belongs_to_nobody(client: FlaskClient) -> None:
    action = client.get("/v2/actions/std.echo").get_json()
    assert (action["id"], action["input"], action["is_system"]) == ("std.echo", "output, delay=0", True)
    assert (action["project_id"], action["scope"], action["definition"]) == (None, None, "")


def test_actions_of_a_namespace_are_listed_alone(client: FlaskClient) -> None:
    post(client, "/v2/actions?namespace=n", ACTION)
    assert [a["name"] for a in client.get("/v2/actions?namespace=n").get_json()["actions"]] == ["shout"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_system_action_cannot_be_replaced_changed_or_removed(client: FlaskClient, method: str) -> None:
    before = client.get("/v2/actions").get_json()
    text = ACTION.replace("shout:", "std.echo:", 1)
    path = "/v2/actions/std.echo" if method == "delete" else "/v2/actions"
    answer = getattr(client, method)(path, data=None if method == "delete" else text)
    assert answer.status_code == 400
    assert "a system action: std.echo" in answer.get_json()["faultstring"]
    assert client.get("/v2/actions").get_json() == before


def test_an_action_is_updated_by_name_and_removed(client: FlaskClient) -> None:
    post(client, "/v2/actions", ACTION)
    for path in ("/v2/actions", "/v2/actions/shout"):
        answer = put(client, path, ACTION.replace("description: shouts", f"description: {path}"))
        assert answer.get_json()["actions"][0]["description"] == path
    assert client.delete("/v2/actions/shout").status_code == 204
    answer = client.delete("/v2/actions/shout")
    assert answer.status_code == 404
    assert answer.get_json()["faultstring"] == "Action definition not found [action_name=shout, namespace=]"
